// Puts the page together and keeps it level with the server.

import { follow, listen, now, shown, state } from "./desk.js";
import { el, icon } from "./dom.js";
import { addLine, buildPanel, switches, tick, wire } from "./panel.js";
import { people } from "./people.js";
import { Phone } from "./phone.js";
import { day, hour } from "./words.js";

const place = document.getElementById("phones");
const time = document.getElementById("top-time");
const link = document.getElementById("top-line");
const theme = document.getElementById("theme");
const opener = document.getElementById("panel-open");
const door = document.getElementById("console");
const phones = new Map();
const empty = el("p", { class: "empty" }, "Pick a customer above, or add one, and write as they would.");

function arrange() {
  const wanted = shown.ids.filter((id) => state.phones.has(id));
  phones.forEach((phone, id) => {
    if (!wanted.includes(id)) {
      phone.node.remove();
      phones.delete(id);
    }
  });
  wanted.forEach((id, index) => {
    if (!phones.has(id)) phones.set(id, new Phone(state.phones.get(id)));
    const { node } = phones.get(id);
    if (place.children[index] !== node) place.insertBefore(node, place.children[index] ?? null);
  });
  empty.remove();
  if (!wanted.length) place.append(empty);
  people();
}

const acts = {
  all: () => {
    phones.forEach((phone, id) => state.phones.has(id) && phone.update(state.phones.get(id)));
    door.hidden = !state.console;
    door.href = state.console || "#";
    arrange();
    switches();
    wire();
  },
  phone: (phone) => {
    phones.get(phone.id)?.update(phone);
    if (shown.ids.includes(phone.id) && !phones.has(phone.id)) arrange();
    else people();
  },
  shown: arrange,
  switches,
  line: addLine,
  link: (up) => { link.textContent = up ? "" : "Lost the demo, looking for it…"; },
};

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("sahut.theme", name);
}

function dark() {
  const kept = document.documentElement.dataset.theme;
  return kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const kept = localStorage.getItem("sahut.theme");
if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
theme.append(icon("sun", 18));
theme.addEventListener("click", () => setTheme(dark() ? "light" : "dark"));
opener.addEventListener("click", () => {
  const open = document.body.classList.toggle("panel-shown");
  opener.setAttribute("aria-expanded", String(open));
  opener.textContent = open ? "Phones" : "Switches";
});
setInterval(() => {
  time.replaceChildren(el("span", {}, `${day(now())}, `), hour(now()));
  phones.forEach((phone) => phone.tick());
  tick();
}, 1000);
buildPanel();
listen((what, detail) => acts[what](detail));
follow();
