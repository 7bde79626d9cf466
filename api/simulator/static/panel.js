// The switches, and what goes over the wire.

import { ask, attempt, now, shown, state } from "./desk.js";
import { el, icon } from "./dom.js";
import { second, span } from "./words.js";

const panel = document.getElementById("panel");
const KEPT = 400;
const NAMES = { message: "message", status: "status", send: "send", mark: "mark", webhook: "webhook" };
const MOVES = [["+1 min", 60], ["+15 min", 900], ["+1 h", 3600], ["+23 h", 82_800]];
const ANSWERS = [["well", "Well"], ["lost", "Lose the next"], ["refused", "Refuse the next"], ["down", "Be down"]];

const turn = (body) => attempt(() => ask("switches", body));

const ahead = el("p", { class: "note" });
const twice = el("input", { type: "checkbox", role: "switch", on: { change: () => turn({ twice: twice.checked }) } });
const held = el("input", { type: "checkbox", role: "switch", on: { change: () => turn({ held: held.checked }) } });
const release = el("div", { class: "keys", hidden: true },
  el("button", { type: "button", on: { click: () => turn({ held: false }) } }, "Bring in order"),
  el("button", { type: "button", on: { click: () => turn({ held: false, newest_first: true }) } }, "Newest first"));
const waiting = el("span", { class: "note" });
const answers = new Map();
const code = el("select", { "aria-label": "The error code", on: { change: () => turn({ answers: "refused", code: Number(code.value) }) } });
const lines = el("ol", { class: "lines", tabIndex: 0, "aria-label": "What went over the wire" });
const filters = new Map();
let filter = "all";

/** Put everything into the panel, once. */
export function buildPanel() {
  panel.append(
    el("section", { class: "card" }, el("h2", {}, "Time"), ahead, el("div", { class: "keys" },
      MOVES.map(([name, seconds]) => el("button", { type: "button", on: { click: () => attempt(() => ask("clock", { seconds })) } }, name)))),
    el("section", { class: "card" }, el("h2", {}, "Webhooks to Sahut"),
      el("label", { class: "switch" }, twice, el("span", {}, "Send every message twice")),
      el("label", { class: "switch" }, held, el("span", {}, "Hold everything back ", waiting)), release),
    el("section", { class: "card" }, el("h2", {}, "Meta’s answers to Sahut"), el("div", { class: "keys radio", role: "group", "aria-label": "Meta’s answers" },
      ANSWERS.map(([value, name]) => {
        const key = el("button", { type: "button", on: { click: () => turn({ answers: value }) } }, name);
        answers.set(value, key);
        return key;
      })), el("label", { class: "code" }, "Refuse with", code)),
    el("section", { class: "card wire" }, el("header", {}, el("h2", {}, "Wire"), el("div", { class: "keys small", role: "group", "aria-label": "Show" },
      ["all", "message", "send", "status"].map((name) => {
        const key = el("button", { type: "button", on: { click: () => choose(name) } }, name === "all" ? "All" : `${name[0].toUpperCase()}${name.slice(1)}${name === "status" ? "es" : "s"}`);
        filters.set(name, key);
        return key;
      }))), lines));
  choose("all");
}

/** Show how the switches stand. */
export function switches() {
  const { twice: two, held: hold, waiting: count, answers: how, code: refusal } = state.switches;
  twice.checked = two;
  held.checked = hold;
  release.hidden = !hold;
  waiting.textContent = hold ? `${count} waiting` : "";
  answers.forEach((key, value) => key.setAttribute("aria-pressed", String(value === how)));
  if (!code.options.length) {
    code.append(...Object.entries(state.codes).map(([value, meaning]) => el("option", { value }, `${value} · ${meaning}`)));
  }
  code.value = String(refusal);
  tick();
}

/** Called each second. */
export function tick() {
  const { ahead_s: seconds = 0 } = state.switches;
  ahead.textContent = seconds > 1 ? `${span(seconds)} ahead of this machine. Time moves forward only.` : "As on this machine. Time moves forward only.";
}

/** All lines anew. */
export function wire() {
  lines.replaceChildren(...state.wire.map(line).reverse());
}

/** One more line. */
export function addLine(item) {
  lines.prepend(line(item));
  while (lines.children.length > KEPT) lines.lastChild.remove();
}

function choose(name) {
  filter = name;
  lines.dataset.only = name;
  filters.forEach((key, value) => key.setAttribute("aria-pressed", String(value === filter)));
}

function line(item) {
  const good = item.answer >= 200 && item.answer < 300;
  const summary = el("summary", {},
    el("span", { class: `way ${item.out ? "out" : "in"}`, title: item.out ? "Meta to Sahut" : "Sahut to Meta" }, item.out ? "→" : "←"),
    el("span", { class: "line-what" }, NAMES[item.what]),
    el("span", { class: "line-who", dir: "auto" }, item.who),
    el("span", { class: `answer ${good ? "good" : "bad"}` }, item.answer ? String(item.answer) : "none"),
    el("time", {}, second(new Date(item.at))),
    el("span", { class: "line-words", dir: "auto" }, item.words),
    item.note ? el("span", { class: "line-note" }, item.note) : null);
  const body = el("pre", { tabIndex: 0 });
  const details = el("details", { class: "entry", on: { toggle: () => details.open && load(item.n, body) } }, summary, body);
  return el("li", { data: { what: item.what } }, details);
}

async function load(number, place) {
  if (place.textContent) return;
  const answer = await fetch(`/simulator/wire/${number}`);
  place.textContent = answer.ok ? JSON.stringify(await answer.json(), null, 2) : "That line is not kept any more.";
}
