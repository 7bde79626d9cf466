// How one line of a conversation is drawn. Knows nothing of where lines come from.
import { h, clock, icon, moment, words } from "sahut-common";

const STATES = {
  queued: ["clock", "Waiting to be sent"],
  sending: ["clock", "Being sent"],
  unknown: ["warn", "Sent, but WhatsApp has not confirmed it yet"],
  sent: ["check", "Sent"],
  delivered: ["checks", "Delivered"],
  read: ["checks", "Read"],
  failed: ["warn", "Not delivered"],
  dropped: ["warn", "Not sent"],
};
const AUTHORS = { contact: "Customer", assistant: "Assistant", operator: "Operator", system: "System" };
const SCREENED = { fine: "screened: fine", unsure: "screened: maybe spam", spam: "screened: spam" };
const KINDS = {
  image: "Photo", video: "Video", audio: "Audio", voice: "Voice message", document: "Document", sticker: "Sticker",
  location: "Location", contacts: "Contact card", interactive: "Button or list", button: "Button", reaction: "Reaction",
  call: "Call", order: "Order", template: "Template", edit: "Edited message", revoke: "Deleted message", system: "System message",
  unsupported: "Unsupported message", unknown: "Unknown message",
};

export function line(item, { customer, onCitation, isFirst }) {
  if (item.author === "note") return note(item, isFirst);
  if (item.author === "event") return event(item);
  const author = item.mine ? "You" : item.author === "contact" ? customer : item.name || AUTHORS[item.author] || item.author;
  return h("article", { key: item.id, class: ["line", item.author, { first: isFirst, failed: isFailed(item) }], "data-line": item.id, "aria-label": `${author}, ${clock(item.at)}` }, [
    isFirst ? h("header", { class: "who" }, [words(author)]) : null,
    h("div", { class: "bubble" }, [
      item.quotes ? h("blockquote", [words(item.quotes)]) : null,
      item.kind !== "text" ? h("span", { class: "kind" }, KINDS[item.kind] ?? item.kind) : null,
      item.file ? file(item.file) : null,
      item.revoked ? h("p", { class: "text soft" }, "Deleted by the sender.") : null,
      item.text ? h("p", { class: "text", dir: "auto" }, item.text) : null,
      item.buttons?.length ? h("ul", { class: "choices", "aria-label": "Buttons" }, item.buttons.map((title) => h("li", [words(title)]))) : null,
      item.details?.length ? h("ul", { class: "details" }, item.details.map((detail) => h("li", [words(detail)]))) : null,
      foot(item),
      item.reaction ? h("span", { class: "reaction", role: "img", "aria-label": `Reaction: ${item.reaction}` }, item.reaction) : null,
    ]),
    isFailed(item) ? h("p", { class: "why", role: "note" }, [icon("warn", 14), h("span", why(item))]) : null,
    receipt(item, onCitation),
  ]);
}

/** A customer's file: pictures and sounds are shown, anything else can only be saved. */
function file(found) {
  const shown = {
    image: () => h("a", { href: found.href, target: "_blank", rel: "noopener" }, [h("img", { class: "photo", src: found.href, alt: found.name, loading: "lazy" })]),
    audio: () => h("audio", { controls: true, preload: "none", src: found.href, "aria-label": found.name }),
    video: () => h("video", { controls: true, preload: "none", class: "photo", src: found.href, "aria-label": found.name }),
    save: () => h("a", { class: "file", href: found.href, download: "", target: "_blank", rel: "noopener" }, [words(found.name), found.kb ? ` (${found.kb} KB)` : ""]),
  }[found.as];
  return h("div", { class: "came" }, [
    found.href ? shown() : null,
    found.error ? h("p", { class: "why", role: "note" }, [icon("warn", 14), h("span", found.error)]) : null,
    found.text ? h("details", [h("summary", "Text of the file"), h("p", { class: "text", dir: "auto" }, found.text)]) : null,
  ]);
}

function isFailed(item) {
  return item.state === "failed" || item.state === "dropped";
}
function why(item) {
  const what = item.state === "dropped" ? "Not sent" : "Not delivered";
  return item.error ? `${what}: ${item.error}${item.code ? ` (${item.code})` : ""}` : `${what}.`;
}

function foot(item) {
  const [glyph, label] = STATES[item.state] ?? [];
  return h("footer", [
    item.edited && !item.revoked ? h("span", { class: "soft", title: moment(item.edited) }, "edited") : null,
    h("time", { title: moment(item.at) }, clock(item.at)),
    glyph ? h("span", { class: `tick ${item.state}`, role: "img", "aria-label": label, title: label }, [icon(glyph, 15)]) : null,
  ]);
}

function receipt(item, onCitation) {
  const parts = [];
  if (item.confidence !== null && item.confidence !== undefined)
    parts.push(h("span", { class: "fact", title: "Calibrated probability that this answer is right and supported" }, `${Math.round(item.confidence * 100)}% sure`));
  if (item.verdict) parts.push(h("span", { class: `fact ${item.verdict}`, title: "What the spam screen made of the customer's message" }, SCREENED[item.verdict] ?? item.verdict));
  parts.push(...citations(item.citations ?? [], onCitation));
  return parts.length ? h("div", { class: "receipt" }, parts) : null;
}

/** One button for each passage; those of one document stand together, the first with its name. */
function citations(cited, onCitation) {
  const byDocument = new Map();
  for (const citation of cited) byDocument.set(citation.title, [...(byDocument.get(citation.title) ?? []), citation]);
  return [...byDocument].map(([title, passages]) =>
    h("span", { class: "citations" }, passages.map((citation, at) =>
      h("button", {
        type: "button", class: "citation", title: citation.quote, "aria-label": `Source ${at + 1} of ${passages.length} in ${title}`,
        onClick: () => onCitation(citation),
      }, at ? String(at + 1) : [icon("book", 13), words(title)]),
    )),
  );
}

function note(item, isFirst) {
  return h("article", { key: item.id, class: ["line note", { first: isFirst }], "data-line": item.id, "aria-label": `Internal note by ${item.name}` }, [
    h("header", { class: "who" }, [icon("note", 14), words(item.name), h("span", { class: "soft" }, " internal note, the customer does not see it")]),
    h("div", { class: "bubble" }, [h("p", { class: "text", dir: "auto" }, item.text), h("footer", [h("time", { title: moment(item.at) }, clock(item.at))])]),
  ]);
}

function event(item) {
  return h("p", { key: item.id, class: "line event", "data-line": item.id }, [words(item.name), ` ${item.text} `, h("time", { title: moment(item.at) }, clock(item.at))]);
}
