// One message on a phone.

import { el, icon, ticks } from "./dom.js";
import { hour, lines, marked } from "./words.js";

const LONG = 900;
const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,12}$/u;
const MEDIA = (id) => `/simulator/media/${encodeURIComponent(id)}`;

/** A bubble; `acts` are tap(choice), sheet(list), reply(), react(emoji), jump(id). */
export function bubble(item, acts) {
  const big = item.kind === "text" && EMOJI_ONLY.test(item.text) && !/^[\d\s#*]+$/u.test(item.text) && [...new Intl.Segmenter().segment(item.text.trim())].length <= 3;
  const body = el("div", { class: `bubble${big ? " big" : ""}` },
    item.quote ? quoted(item.quote, acts) : null,
    item.media ? media(item) : null,
    item.location ? place(item.location) : null,
    item.header ? el("p", { class: "head", dir: "auto" }, item.header) : null,
    words(item),
    item.footer ? el("p", { class: "foot", dir: "auto" }, item.footer) : null,
    el("p", { class: "meta" }, hour(new Date(item.at)), item.mine ? ticks(item.ticks) : null));
  return el("li", { class: `row ${item.mine ? "mine" : "theirs"}` },
    el("div", { class: "holder" }, body, tools(item, acts), choices(item, acts),
      item.reactions.length ? el("p", { class: "reactions" }, item.reactions.join(" ")) : null));
}

function words(item) {
  if (!item.text) return item.media || item.location ? null : el("p", { class: "words odd" }, `(${item.kind})`);
  const place = el("div", { class: "words" }, ...lines(item.text));
  if (item.text.length <= LONG) return place;
  place.classList.add("folded");
  const more = el("button", { class: "more", type: "button", on: { click: () => { place.classList.remove("folded"); more.remove(); } } }, "Read more");
  return el("div", {}, place, more);
}

function quoted(quote, acts) {
  return el("button", { class: `quote ${quote.mine ? "mine" : "theirs"}`, type: "button", dir: "auto", on: { click: () => acts.jump(quote.id) } },
    el("span", { class: "quote-who" }, quote.mine ? "You" : acts.business), el("span", { class: "quote-words" }, quote.text));
}

function tools(item, acts) {
  const quick = ["👍", "❤️", "🙏", "😂"].map((emoji) =>
    el("button", { type: "button", "aria-label": `React with ${emoji}`, on: { click: () => acts.react(emoji) } }, emoji));
  const reply = el("button", { type: "button", "aria-label": "Answer this message", on: { click: acts.reply } }, icon("reply", 16));
  return el("div", { class: "tools" }, reply, ...(item.mine ? [] : quick));
}

function choices(item, acts) {
  if (item.list) {
    const answered = item.tapped !== null;
    return el("div", { class: "choices" },
      el("button", { type: "button", disabled: answered, on: { click: () => acts.sheet(item.list) } }, icon("list", 16), item.list.button));
  }
  if (item.link) {
    const safe = /^https?:\/\//u.test(item.link.url);
    return el("div", { class: "choices" }, safe
      ? el("a", { href: item.link.url, target: "_blank", rel: "noopener noreferrer" }, icon("link", 16), item.link.title)
      : el("span", {}, item.link.title));
  }
  if (!item.buttons) return null;
  return el("div", { class: "choices" }, item.buttons.map((button) =>
    el("button", {
      type: "button",
      disabled: item.tapped !== null,
      class: item.tapped === button.id ? "chosen" : "",
      on: { click: () => acts.tap(button.id) },
    }, icon("reply", 16), el("span", { dir: "auto" }, button.title))));
}

// --- media

function media(item) {
  const { kind, media: given } = item;
  if (!given.id) return el("p", { class: "file" }, icon("link"), el("span", {}, given.link || "(a file)"));
  if (kind === "image" || kind === "sticker" || (kind === "interactive" && given.mime.startsWith("image/"))) return picture(given, item.text);
  if (kind === "audio") return voice(given);
  if (kind === "video") return el("video", { class: "picture", controls: true, preload: "metadata", src: MEDIA(given.id) });
  return file(given);
}

function picture(given, caption) {
  const image = el("img", { class: "picture", loading: "lazy", alt: caption || "A picture", src: MEDIA(given.id) });
  image.addEventListener("error", () => image.replaceWith(file(given)));
  return el("a", { class: "picture-link", href: MEDIA(given.id), target: "_blank", rel: "noopener" }, image);
}

function file(given) {
  return el("a", { class: "file", href: MEDIA(given.id), download: given.name || "file" }, icon("file", 26),
    el("span", {}, el("b", { dir: "auto" }, given.name || "Document"), el("small", {}, (given.mime.split("/").at(-1) || "file").toUpperCase())));
}

function voice(given) {
  const sound = new Audio();
  const button = el("button", { type: "button", "aria-label": "Play the voice note" }, icon("play", 22));
  const bars = el("span", { class: "bars", "aria-hidden": "true" }, wave(given.id));
  const player = el("div", { class: "voice" }, button, bars, el("span", { class: "voice-time" }, given.voice ? "Voice note" : "Audio"));
  const stop = () => { player.classList.remove("playing"); button.replaceChildren(icon("play", 22)); };
  sound.addEventListener("ended", stop);
  button.addEventListener("click", () => {
    if (!sound.paused) { sound.pause(); stop(); return; }
    sound.src ||= MEDIA(given.id);
    player.classList.add("playing");
    button.replaceChildren(icon("pause", 22));
    sound.play().catch(stop);
  });
  return player;
}

function wave(id) {
  return Array.from({ length: 26 }, (_, n) => {
    const bar = el("i");
    bar.style.height = `${20 + ((id.charCodeAt(n % id.length) * 37 + n * 53) % 76)}%`;
    bar.style.animationDelay = `${n * 40}ms`;
    return bar;
  });
}

function place(location) {
  return el("div", { class: "place" }, el("div", { class: "map" }, icon("pin", 34)),
    el("p", { dir: "auto" }, el("b", {}, location.name || "Location"), location.address ? el("small", {}, ...marked(location.address)) : null,
      el("small", {}, `${location.latitude}, ${location.longitude}`)));
}
