// What the page knows: the server's state, kept level by its stream, and what this page shows of it.

const listeners = new Set();
const started = performance.now();

export const state = { business: { name: "", number: "" }, phones: new Map(), switches: {}, wire: [], personas: [], codes: {} };
export const shown = { ids: read("phones", []), unread: new Map() };

let base = Date.now();
let baseAt = started;

/** The demo's time. */
export const now = () => new Date(base + performance.now() - baseAt);

/** Be told what changed: "all", "phone", "switches", "line", "shown", "link". */
export const listen = (act) => listeners.add(act);
const tell = (what, detail) => listeners.forEach((act) => act(what, detail));

/** Follow the server; a lost connection is taken up again and begins anew. */
export function follow() {
  const source = new EventSource("/simulator/events");
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("all", takeAll);
  on("phone", takePhone);
  on("switches", takeSwitches);
  on("line", (line) => {
    state.wire.push(line);
    state.wire.splice(0, Math.max(0, state.wire.length - 400));
    tell("line", line);
  });
  source.addEventListener("open", () => tell("link", true));
  source.addEventListener("error", () => tell("link", false));
}

function takeAll(all) {
  Object.assign(state, all, { phones: new Map(all.phones.map((phone) => [phone.id, phone])) });
  setClock(all.switches.now);
  shown.ids = shown.ids.filter((id) => state.phones.has(id));
  if (!shown.ids.length) shown.ids = lively();
  tell("all");
}

/** The ids of all phones: who wrote or was written to most lately comes first. */
export function newest() {
  const last = (phone) => phone.bubbles.at(-1)?.at ?? "";
  return [...state.phones.values()].sort((one, two) => last(two).localeCompare(last(one))).map((phone) => phone.id);
}

/** Of the newest conversations the three with most to see. */
function lively() {
  const size = (id) => state.phones.get(id).bubbles.length;
  return newest().slice(0, 10).sort((one, two) => size(two) - size(one)).slice(0, 3);
}

function takePhone(phone) {
  const before = state.phones.get(phone.id);
  state.phones.set(phone.id, phone);
  const fresh = phone.bubbles.filter((bubble) => !bubble.mine).length - (before?.bubbles.filter((b) => !b.mine).length ?? 0);
  if (fresh > 0 && !shown.ids.includes(phone.id)) shown.unread.set(phone.id, (shown.unread.get(phone.id) ?? 0) + fresh);
  tell("phone", phone);
}

function takeSwitches(switches) {
  state.switches = switches;
  setClock(switches.now);
  tell("switches");
}

function setClock(moment) {
  base = Date.parse(moment);
  baseAt = performance.now();
}

/** How many phones are kept on the page: three, or as many as fit beside the panel. */
const most = () => Math.max(3, Math.floor((innerWidth - 390) / 335));

/** Put a phone on the page, at the front. */
export function open(id) {
  shown.unread.delete(id);
  if (!shown.ids.includes(id)) shown.ids = [id, ...shown.ids].slice(0, most());
  keep();
}

/** Take a phone off the page. */
export function close(id) {
  shown.ids = shown.ids.filter((other) => other !== id);
  keep();
}

function keep() {
  localStorage.setItem("sahut.phones", JSON.stringify(shown.ids));
  tell("shown");
}

function read(name, otherwise) {
  try {
    const kept = JSON.parse(localStorage.getItem(`sahut.${name}`));
    return Array.isArray(kept) ? kept.filter((item) => typeof item === "string") : otherwise;
  } catch {
    return otherwise;
  }
}

/** Ask the server to do something; its answer. Throws an `Error` with words for a person. */
export async function ask(path, body = {}) {
  let answer;
  try {
    answer = await fetch(`/simulator/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("The demo does not answer. Is it still running?");
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const what = said.errors?.map((error) => error.what.replace(/^Value error, /u, "")).join("; ");
  throw new Error(what || said.detail || `The demo answered ${answer.status}.`);
}

/** Do `act`; what goes wrong is shown. True where it went well. */
export async function attempt(act) {
  try {
    await act();
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

let toastTimer;

/** A line for a person, for a while. */
export function toast(words) {
  const place = document.getElementById("toast");
  place.textContent = words;
  place.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { place.hidden = true; }, 6000);
}
