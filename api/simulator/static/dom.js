// Builds elements. Whatever comes from outside becomes a text node or an attribute, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, `data` and `on` (events), and children: elements, strings, null. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "on") Object.entries(value).forEach(([event, act]) => node.addEventListener(event, act));
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "class") node.className = value;
    else if (name in node && !name.startsWith("aria")) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

const PATHS = {
  send: "M3 11.5 21 3l-6.5 18-3.2-7.3z M11.3 13.7 21 3",
  plus: "M12 5v14 M5 12h14",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M8.5 14.2c1.8 2.4 5.2 2.4 7 0 M9 9.6v.1 M15 9.6v.1",
  reply: "M10 7 4.5 12 10 17 M5 12h8.5c3.3 0 5.5 1.8 6 5",
  close: "M6 6l12 12 M18 6 6 18",
  list: "M5 7h14 M5 12h14 M5 17h9",
  file: "M7 3h7l4 4v14H7z M14 3v4h4 M9.5 12h5 M9.5 16h5",
  picture: "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.2v.1",
  voice: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4z M6.5 11.5a5.5 5.5 0 0 0 11 0 M12 17v3",
  pin: "M12 21c4-4.6 6-8 6-10.6A6 6 0 0 0 6 10.4C6 13 8 16.4 12 21z M12 8.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 6v12 M16 6v12",
  link: "M10 14l4-4 M11 7l1.5-1.5a4 4 0 0 1 6 6L17 13 M13 17l-1.5 1.5a4 4 0 0 1-6-6L7 11",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M12 3v1.5 M12 19.5V21 M3 12h1.5 M19.5 12H21 M5.6 5.6l1 1 M17.4 17.4l1 1 M5.6 18.4l1-1 M17.4 6.6l1-1",
  down: "M6 9l6 6 6-6",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 8v4.5l3 2",
};

/** A line drawing of ours. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const given = { viewBox: "0 0 24 24", width: size, height: size, class: "icon", "aria-hidden": "true" };
  Object.entries(given).forEach(([key, value]) => svg.setAttribute(key, value));
  svg.append(path(PATHS[name]));
  return svg;
}

const TICKS = { 1: "on its way", 2: "delivered", 3: "read" };

/** One tick, two ticks, or two blue ones. */
export function ticks(count) {
  const svg = document.createElementNS(SVG, "svg");
  const given = { viewBox: "0 0 20 12", width: 18, height: 11, class: "ticks", role: "img", "aria-label": TICKS[count] };
  Object.entries(given).forEach(([key, value]) => svg.setAttribute(key, value));
  svg.dataset.ticks = count;
  svg.append(path(count > 1 ? "M1 6.5 4.5 10 12 1.5 M8 9.5l.600.5L16.5 1.5" : "M4 6.5 7.5 10 15 1.5"));
  return svg;
}

function path(d) {
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", d);
  return line;
}

/** Make `parent`'s children those of `items`, keeping an element whose key and print are the same. */
export function reconcile(parent, items, build) {
  const before = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = items.map(({ key, print, item }) => {
    const old = before.get(key);
    if (old && old.print === print) return old;
    const node = build(item);
    node.dataset.key = key;
    node.print = print;
    return node;
  });
  const keep = new Set(wanted);
  [...parent.children].forEach((node) => keep.has(node) || node.remove());
  wanted.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}
