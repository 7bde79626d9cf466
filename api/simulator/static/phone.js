// One customer's phone: header, messages, composer. Built once and kept, so that a draft is never lost.

import { bubble } from "./bubble.js";
import { ask, attempt, close, now, state } from "./desk.js";
import { el, icon, reconcile } from "./dom.js";
import { emojiBoard, sampleMenu, sheet } from "./pops.js";
import { dayName, hour, span } from "./words.js";

export class Phone {
  /** `view` is the server's; `node` goes onto the page. */
  constructor(view) {
    this.id = view.id;
    this.quote = null;
    this.used = new Set();
    this.node = this.#build();
    this.update(view);
    this.list.addEventListener("pointerdown", () => { this.pop.hidden = true; });
    new ResizeObserver(() => this.#toEnd()).observe(this.rows);
  }

  update(view) {
    this.view = view;
    const stays = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 80;
    this.title.textContent = view.name;
    this.number.textContent = view.phone ? `+${view.phone}` : view.user_id;
    this.node.setAttribute("aria-label", `${view.name}'s phone`);
    this.#messages();
    this.#typing();
    this.#suggest();
    this.tick();
    this.near = stays;
    if (stays) this.#toEnd();
  }

  /** Called each second. */
  tick() {
    this.clock.textContent = hour(now());
    const closes = this.view.window_closes_at && Date.parse(this.view.window_closes_at) - now().getTime();
    const open = closes > 0;
    this.window.dataset.open = open ? (closes < 3_600_000 ? "soon" : "yes") : "no";
    this.window.textContent = open ? span(closes / 1000) : "closed";
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  // --- building

  #build() {
    this.title = el("h2", { class: "who-name", dir: "auto" });
    this.number = el("span", { class: "who-number" });
    this.window = el("span", { class: "window" });
    this.clock = el("span", {});
    this.rows = el("ol");
    this.list = el("div", { class: "messages", tabIndex: 0, role: "log", "aria-label": "Messages" }, this.rows);
    this.typing = el("div", { class: "typing", hidden: true, role: "status", "aria-label": "The business is typing" }, el("i"), el("i"), el("i"));
    this.state = el("span", { class: "chat-state" }, "business account");
    this.screen = el("div", { class: "screen" }, this.#bar(), this.#head(), el("div", { class: "chat" }, this.list, this.typing), this.#foot());
    return el("section", { class: "phone", data: { phone: this.id } }, this.#caption(), el("div", { class: "device" }, this.screen));
  }

  #caption() {
    const last = () => attempt(() => ask(`customers/${encodeURIComponent(this.id)}/last-minute`));
    const shut = () => attempt(() => ask(`customers/${encodeURIComponent(this.id)}/close-window`));
    const acts = el("div", { class: "window-acts" },
      el("button", { type: "button", title: "Skip to one minute before the 24-hour window closes", on: { click: last } }, "To its last minute"),
      el("button", { type: "button", title: "Meta closes the window now; the service learns of it when it sends", on: { click: shut } }, "Close it"));
    return el("header", { class: "caption" },
      el("div", { class: "who" }, this.title, this.number),
      el("details", { class: "window-menu", name: "window" }, el("summary", { title: "The 24-hour window" }, this.window, icon("down", 14)), acts),
      el("button", { class: "shut", type: "button", "aria-label": "Put this phone away", on: { click: () => close(this.id) } }, icon("close", 18)));
  }

  #bar() {
    return el("div", { class: "bar", "aria-hidden": "true" }, this.clock, el("span", { class: "signs" }, el("i", { class: "signal" }), el("i", { class: "battery" })));
  }

  #head() {
    return el("div", { class: "chat-head" }, el("span", { class: "face business", "aria-hidden": "true" }, state.business.name.slice(0, 1)),
      el("div", {}, el("p", { class: "chat-name", dir: "auto" }, state.business.name), this.state));
  }

  #foot() {
    const keys = { keydown: (event) => this.#key(event), input: () => this.#grow() };
    this.field = el("textarea", { rows: 1, placeholder: "Message", "aria-label": "Message", dir: "auto", on: keys });
    this.answering = el("div", { class: "answering", hidden: true });
    this.hints = el("div", { class: "hints", hidden: true });
    this.pop = el("div", { class: "pop", hidden: true });
    const more = el("button", { class: "round", type: "button", "aria-label": "Attach", on: { click: () => this.#open(sampleMenu((what) => this.#sample(what))) } }, icon("plus"));
    const smile = el("button", { class: "round", type: "button", "aria-label": "Emoji", on: { click: () => this.#open(emojiBoard((emoji) => this.#insert(emoji))) } }, icon("smile"));
    const send = el("button", { class: "round go", type: "submit", "aria-label": "Send" }, icon("send"));
    const form = el("form", { class: "compose", on: { submit: (event) => { event.preventDefault(); this.#say(); } } }, more, this.field, smile, send);
    return el("div", { class: "foot-bar" }, this.hints, this.answering, this.pop, form);
  }

  // --- showing

  #messages() {
    const items = [];
    let last = "";
    for (const item of this.view.bubbles) {
      const name = dayName(new Date(item.at), now());
      if (name !== last) items.push({ key: `day ${name} ${item.id}`, print: name, item: name });
      last = name;
      items.push({ key: item.id, print: JSON.stringify(item), item });
    }
    reconcile(this.rows, items, (item) => typeof item === "string" ? el("li", { class: "day" }, el("span", {}, item)) : bubble(item, this.#acts(item)));
  }

  #acts(item) {
    const to = (what, body) => attempt(() => ask(`customers/${encodeURIComponent(this.id)}/${what}`, body));
    const tap = (choice) => to("tap", { message: item.id, choice });
    return {
      business: state.business.name,
      tap,
      sheet: (list) => sheet(this.screen, list, tap),
      react: (emoji) => to("react", { message: item.id, emoji: item.reactions.includes(emoji) ? "" : emoji }),
      reply: () => this.#answer(item),
      jump: (id) => this.list.querySelector(`[data-key="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" }),
    };
  }

  #typing() {
    clearTimeout(this.typingTimer);
    const left = this.view.typing_s;
    this.typing.hidden = !(left > 0);
    this.state.textContent = left > 0 ? "typing…" : "business account";
    if (left > 0) this.typingTimer = setTimeout(() => { this.view.typing_s = 0; this.#typing(); }, left * 1000);
  }

  #suggest() {
    const persona = state.personas.find((one) => (one.phone ?? one.user_id) === (this.view.phone ?? this.view.user_id));
    const said = new Set(this.view.bubbles.filter((item) => item.mine).map((item) => item.text));
    const left = (persona?.lines ?? []).filter((line) => !said.has(line) && !this.used.has(line));
    this.hints.hidden = !left.length;
    this.hints.replaceChildren(...left.slice(0, 3).map((line) =>
      el("button", { type: "button", dir: "auto", on: { click: () => { this.used.add(line); this.#write(line); } } }, line)));
  }

  #toEnd() {
    if (this.near !== false) this.list.scrollTop = this.list.scrollHeight;
  }

  // --- writing

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#say();
    }
    if (event.key === "Escape") {
      this.pop.hidden = true;
      this.#answer(null);
    }
  }

  async #say() {
    const text = this.field.value;
    if (text.trim() && await this.#write(text)) {
      if (this.field.value === text) this.field.value = "";
      this.#grow();
    }
  }

  async #write(text) {
    const body = { text, quote: this.quote?.id ?? "" };
    this.pop.hidden = true;
    this.near = true;
    const went = await attempt(() => ask(`customers/${encodeURIComponent(this.id)}/say`, body));
    if (went) this.#answer(null);
    return went;
  }

  #sample(what) {
    const body = { what, caption: this.field.value.trim() };
    this.near = true;
    attempt(async () => {
      await ask(`customers/${encodeURIComponent(this.id)}/send`, body);
      if (what === "picture" || what === "document") this.field.value = "";
      this.#grow();
    });
  }

  #answer(item) {
    this.quote = item;
    this.answering.hidden = !item;
    if (!item) return;
    const drop = el("button", { type: "button", "aria-label": "Do not quote", on: { click: () => this.#answer(null) } }, icon("close", 16));
    this.answering.replaceChildren(el("p", { dir: "auto" }, el("b", {}, item.mine ? "You" : state.business.name), item.text || `(${item.kind})`), drop);
    this.focus();
  }

  #insert(emoji) {
    this.field.setRangeText(emoji, this.field.selectionStart, this.field.selectionEnd, "end");
    this.#grow();
    this.focus();
  }

  #open(content) {
    const same = !this.pop.hidden && this.pop.firstChild?.className === content.className;
    this.pop.replaceChildren(content);
    this.pop.hidden = same;
    if (!same) content.querySelector("button")?.focus();
    content.addEventListener("click", (event) => { if (event.target.closest("[data-ends]")) this.pop.hidden = true; });
    content.addEventListener("keydown", (event) => { if (event.key === "Escape") { this.pop.hidden = true; this.focus(); } });
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 116)}px`;
  }
}
