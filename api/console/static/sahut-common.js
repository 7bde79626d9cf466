// What the parts of the console share: drawing with text nodes only, times, drafts, preferences.
// Customers' words are only ever handed to h() as text, so no markup in them can come alive.
import { h } from "vue";

export { h };

const PATHS = {
  back: "M15 5l-7 7 7 7",
  send: "M4 12l16-7-6 16-3-7z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  sound: "M4 10v4h4l5 4V6L8 10zM17 9a4 4 0 010 6",
  mute: "M4 10v4h4l5 4V6L8 10zM17 10l4 4M21 10l-4 4",
  bell: "M6 16V11a6 6 0 0112 0v5l1.5 2h-15zM10 20.5h4",
  belloff: "M6 16V11a6 6 0 0112 0v5l1.5 2h-15zM10 20.5h4M4 4l16 16",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5",
  moon: "M20 14.5A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.5z",
  auto: "M12 3a9 9 0 100 18zM12 3a9 9 0 010 18",
  panel: "M4 5h16v14H4zM15 5v14",
  clock: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4l3 2",
  check: "M5 13l4 4L19 7",
  checks: "M2 13l4 4L15 8M11 16l1 1L22 7",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 016 0v3",
  note: "M5 4h14v11l-5 5H5zM14 20v-5h5",
  book: "M5 4h6a2 2 0 012 2v14a2 2 0 00-2-2H5zM19 4h-4a2 2 0 00-2 2",
  help: "M9.5 9a2.5 2.5 0 115 .3c-.4 1.4-2.5 1.7-2.5 3.7M12 17h.01",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4 21a8 8 0 0116 0",
};

/** A line drawing that screen readers skip; what it says stands beside it or in the button's label. */
export function icon(name, size = 18) {
  return h(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false" },
    [h("path", { d: PATHS[name] })],
  );
}

/** Foreign text, kept from turning the line around it. */
export function words(text, attributes = {}) {
  return h("bdi", { dir: "auto", ...attributes }, String(text ?? ""));
}

export function button(label, options = {}) {
  const { kind = "", glyph, onClick, ...rest } = options;
  const inside = glyph ? [icon(glyph), h("span", { class: "label" }, label)] : label;
  return h("button", { type: "button", class: `button ${kind}`, onClick, ...rest }, inside);
}

export function iconButton(glyph, label, onClick, more = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onClick, ...more }, [
    icon(glyph),
  ]);
}

// --- time. The server's clock counts: a browser's may be wrong by hours.

let skew = 0;
export function setClock(serverMs) {
  skew = serverMs - Date.now();
}
export function nowMs() {
  return Date.now() + skew;
}

export function span(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60000));
  if (minutes < 1) return "under 1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** How a moment is told in a list: the clock today, the weekday this week, else the date. */
export function when(ms) {
  if (!ms) return "";
  const date = new Date(ms);
  const age = nowMs() - ms;
  if (date.toDateString() === new Date(nowMs()).toDateString()) return clock(ms);
  if (age < 6 * 864e5) return date.toLocaleDateString("en-GB", { weekday: "short" });
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}
export function clock(ms) {
  return new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
export function day(ms) {
  const date = new Date(ms);
  const today = new Date(nowMs());
  if (date.toDateString() === today.toDateString()) return "Today";
  if (date.toDateString() === new Date(nowMs() - 864e5).toDateString()) return "Yesterday";
  return date.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}
export function moment(ms) {
  return ms ? new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : "";
}

/** The customer service window in words and an urgency; colour is never the only sign. */
export function windowOf(closesAt) {
  if (!closesAt) return { urgency: "closed", text: "Window closed", short: "closed" };
  const left = closesAt - nowMs();
  if (left <= 0) return { urgency: "closed", text: "Window closed", short: "closed" };
  const urgency = left < 36e5 ? "urgent" : left < 4 * 36e5 ? "soon" : "fine";
  return { urgency, text: `Window: ${span(left)} left`, short: `${span(left)} left` };
}
export function dueOf(dueAt) {
  if (!dueAt) return null;
  const left = dueAt - nowMs();
  if (left < 0) return { urgency: "urgent", text: `overdue ${span(-left)}` };
  return { urgency: left < 5 * 60000 ? "soon" : "fine", text: `due in ${span(left)}` };
}

// --- what this browser keeps

export function kept(name, otherwise = null) {
  try {
    const found = localStorage.getItem(`sahut.${name}`);
    return found === null ? otherwise : JSON.parse(found);
  } catch {
    return otherwise;
  }
}
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`sahut.${name}`);
    else localStorage.setItem(`sahut.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing loses drafts at a reload, not now.
  }
}

// --- one heartbeat for every countdown on the page

const beats = new Set();
setInterval(() => beats.forEach((beat) => beat()), 15000);
export const ticking = {
  data: () => ({ beat: 0 }),
  mounted() {
    this.onBeat = () => this.beat++;
    beats.add(this.onBeat);
  },
  unmounted() {
    beats.delete(this.onBeat);
  },
};

/** Whether the keyboard is writing, so that single letters are no commands. */
export function isWriting(event) {
  const at = event.target;
  return at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || document.querySelector("dialog[open]");
}
