// Turns words and times into what is read on a phone: marks, links, days. Everything stays text.

import { el } from "./dom.js";

const MARK = /(?<=^|[\s([])([*_~])(\S(?:.*?\S)?)\1(?=$|[\s.,;:!?)\]])|```([\s\S]+?)```|(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };

/** Words with WhatsApp's marks (*bold*, _slanted_, ~struck~, ```mono```) and links as nodes. */
export function marked(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(MARK)) {
    nodes.push(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[4]) nodes.push(el("a", { href: found[4], target: "_blank", rel: "noopener noreferrer" }, found[4]));
    else if (found[3]) nodes.push(el("code", {}, found[3]));
    else nodes.push(el(TAGS[found[1]], {}, marked(found[2])));
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

/** Lines as blocks that each find their own direction. */
export function lines(text) {
  return text.split("\n").map((line) => el("span", { class: "line", dir: "auto" }, ...(line ? marked(line) : ["\u200b"])));
}

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

export const hour = (date) => HOUR.format(date);
export const second = (date) => SECOND.format(date);
export const day = (date) => DAY.format(date);

/** "Today", "Yesterday" or the day, as seen at `now`. */
export function dayName(date, now) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  return { 0: "Today", 1: "Yesterday" }[days] ?? DAY.format(date);
}

/** A span of seconds in its two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const parts = [];
  let left = whole;
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count && parts.length < 2) parts.push(`${count} ${name}`);
    else if (parts.length) break;
  }
  return parts.join(" ") || "0 s";
}

/** Up to two initials, by letters that a person sees as one. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = (word) => [...new Intl.Segmenter().segment(word)][0]?.segment ?? "";
  return (first(words[0] ?? "?") + (words.length > 1 ? first(words.at(-1)) : "")).toUpperCase();
}

/** A hue of one's own, the same for the same id. */
export function hue(id) {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 1_000_003;
  return (sum * 137.5) % 360;
}
