// The row of customers, and the dialog that adds one.

import { ask, attempt, newest, open, shown, state } from "./desk.js";
import { el, icon, reconcile } from "./dom.js";
import { hue, initials } from "./words.js";

const list = document.getElementById("people");
const dialog = document.getElementById("add");
const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language" });

/** Draw the row anew. */
export function people() {
  const items = order().map((phone) => {
    const item = { id: phone.id, name: phone.name || phone.id, on: shown.ids.includes(phone.id), unread: shown.unread.get(phone.id) ?? 0 };
    return { key: phone.id, print: JSON.stringify(item), item };
  });
  reconcile(list, [{ key: "+", print: "+", item: null }, ...items], (item) => (item ? person(item) : adder()));
}

// In the order of the first look, newcomers in front: a row that moves cannot be clicked.
let known = [];

function order() {
  const fresh = newest().filter((id) => !known.includes(id));
  known = [...fresh, ...known.filter((id) => state.phones.has(id))];
  return known.map((id) => state.phones.get(id));
}

/** A round face with initials. */
export function face(id, name) {
  const node = el("span", { class: "face", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", hue(id));
  return node;
}

function person(item) {
  const words = item.unread ? `${item.name}, ${item.unread} new` : item.name;
  return el("li", {}, el("button", { type: "button", "aria-pressed": String(item.on), "aria-label": words, on: { click: () => show(item.id) } },
    face(item.id, item.name), el("span", { class: "person-name", dir: "auto" }, item.name), item.unread ? el("span", { class: "badge" }, String(item.unread)) : null));
}

function show(id) {
  open(id);
  document.querySelector(`[data-phone="${CSS.escape(id)}"]`)?.scrollIntoView({ inline: "center", block: "nearest", behavior: "smooth" });
}

function adder() {
  return el("li", {}, el("button", { type: "button", class: "adder", on: { click: openDialog } }, el("span", { class: "face" }, icon("plus")), el("span", { class: "person-name" }, "Add")));
}

function openDialog() {
  dialog.replaceChildren(form());
  dialog.showModal();
}

function form() {
  const free = state.personas.filter((one) => !state.phones.has(one.phone ?? one.user_id));
  const name = el("input", { name: "name", required: true, maxLength: 256, autocomplete: "off" });
  const number = el("input", { name: "number", required: true, maxLength: 140, autocomplete: "off", placeholder: "+62 812 0000 0042" });
  const kind = el("select", { name: "kind" }, el("option", { value: "phone" }, "Phone number"), el("option", { value: "user_id" }, "Username only (business-scoped id)"));
  kind.addEventListener("change", () => { number.placeholder = kind.value === "phone" ? "+62 812 0000 0042" : "ID.4fA9b2"; });
  const submit = (event) => {
    event.preventDefault();
    add({ name: name.value, [kind.value]: number.value.trim() });
  };
  return el("form", { on: { submit } },
    el("header", {}, el("h2", { id: "add-title" }, "Add a customer"), el("button", { type: "button", class: "shut", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close", 18))),
    free.length ? el("div", { class: "personas" }, free.map(persona)) : null,
    el("p", { class: "or" }, "Or somebody else"),
    el("label", {}, "Name", name),
    el("label", {}, "Known by", kind),
    el("label", {}, "Number or id", number),
    el("button", { class: "strong", type: "submit" }, "Add"));
}

function persona(one) {
  const id = one.phone ?? one.user_id;
  return el("button", { type: "button", class: "persona", on: { click: () => add(one.phone ? { name: one.name, phone: one.phone } : { name: one.name, user_id: one.user_id }) } },
    face(id, one.name), el("span", {}, el("b", { dir: "auto" }, one.name), el("small", {}, `${LANGUAGES.of(one.language)}${one.phone ? "" : " · username only"}`), el("q", { dir: "auto", lang: one.language }, one.lines[0])));
}

async function add(body) {
  let id;
  if (!await attempt(async () => { ({ id } = await ask("customers", body)); })) return;
  dialog.close();
  show(id);
}
