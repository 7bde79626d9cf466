// What opens over a phone: the sheet of a list, the emoji, what can be attached.

import { el, icon } from "./dom.js";

const EMOJI = "😀 😁 😂 🙂 😉 😍 😘 🤔 😐 😕 😢 😭 😡 😱 🥳 😴 🙏 👍 👎 👌 👏 🙌 💪 🤝 ❤️ 💔 ✨ 🎉 🔥 ✅ ❌ ❓ ⏰ 📄 📷 📍 🚗 🛵 🏠 💳 💰 🇮🇩 🇧🇷 🇪🇸 🇮🇸 👨‍👩‍👧".split(" ");
const SAMPLES = [["picture", "picture", "Picture"], ["document", "file", "Document"], ["voice", "voice", "Voice note"], ["location", "pin", "Location"]];

/** A board of emoji. */
export function emojiBoard(pick) {
  return el("div", { class: "emoji-board", role: "group", "aria-label": "Pick an emoji" },
    EMOJI.map((emoji) => el("button", { type: "button", on: { click: () => pick(emoji) } }, emoji)));
}

/** What can be sent besides words. */
export function sampleMenu(pick) {
  return el("div", { class: "sample-menu", role: "group", "aria-label": "What to send" },
    SAMPLES.map(([what, drawing, name]) =>
      el("button", { type: "button", data: { ends: "", what }, on: { click: () => pick(what) } }, el("span", { class: `sample of-${what}` }, icon(drawing, 22)), name)));
}

/** A list's rows over the screen; `pick` gets the chosen row's id. */
export function sheet(screen, list, pick) {
  const before = document.activeElement;
  const end = () => { over.remove(); before?.focus?.({ preventScroll: true }); };
  const choose = (row) => { end(); pick(row.id); };
  const rows = list.sections.map((section) => [
    section.title ? el("h4", { dir: "auto" }, section.title) : null,
    section.rows.map((row) => el("button", { type: "button", class: "choice", on: { click: () => choose(row) } },
      el("span", { dir: "auto" }, row.title, row.description ? el("small", {}, row.description) : null), el("i", { class: "dot", "aria-hidden": "true" }))),
  ]);
  const shut = el("button", { type: "button", class: "shut", "aria-label": "Close the list", on: { click: end } }, icon("close", 18));
  const panel = el("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": list.button },
    el("header", {}, el("h3", { dir: "auto" }, list.button), shut), el("div", { class: "sheet-rows", tabIndex: 0 }, rows));
  const over = el("div", { class: "over", on: {
    click: (event) => { if (event.target === over) end(); },
    keydown: (event) => { if (event.key === "Escape") end(); },
  } }, panel);
  screen.append(over);
  panel.querySelector(".choice")?.focus({ preventScroll: true });
}
