// One conversation: who it is, what was said, what can be done. Every act is asked of the server and answered by it.
import { h, button, day, dueOf, icon, iconButton, isWriting, moment, setClock, ticking, windowOf, words } from "sahut-common";
import { line } from "sahut-lines";
import Composer from "sahut-composer";

const ACTS = [
  ["claim", "Claim", "primary"],
  ["take_over", "Take over", "primary"],
  ["give_back", "Return to assistant", ""],
  ["resolve", "Resolve", ""],
  ["mark_spam", "Spam", "quiet"],
  ["unmark_spam", "Not spam", ""],
  ["verified", "It is them", ""],
];
const STATUS = { open: "Open", waiting: "Waiting for a person", claimed: "With a person", resolved: "Resolved", spam: "Spam" };
const UNDO_MS = 12000;
const SAID_MS = 5000;
const LOST_MS = 20000;
const LOST = "No answer came from the server. See whether it was done before you try again.";
let tickets = 0;

export default {
  mixins: [ticking],
  props: { view: Object, now: Number, me: String, base: String },
  emits: ["act", "open", "older", "passage", "seen"],
  data() {
    return { talk: this.view, opening: null, passageShown: null, closing: null, assigning: false, toast: null, busy: false, sending: false, error: "", below: false, missing: false };
  },
  created() {
    setClock(this.now);
    this.asked = new Map();
  },
  mounted() {
    this.onPick = (event) => this.open(event.detail);
    this.onAsk = (event) => this.talk?.id === event.detail.id && this.ask(event.detail.name, { to: event.detail.to });
    this.onPop = () => this.popped();
    this.onKey = (event) => this.key(event);
    this.onVisible = () => this.see();
    document.addEventListener("sahut:pick", this.onPick);
    document.addEventListener("sahut:ask", this.onAsk);
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("visibilitychange", this.onVisible);
    addEventListener("popstate", this.onPop);
    this.page(this.talk ? "thread" : "queue");
    this.toEnd();
    this.see();
  },
  unmounted() {
    document.removeEventListener("sahut:pick", this.onPick);
    document.removeEventListener("sahut:ask", this.onAsk);
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("visibilitychange", this.onVisible);
    removeEventListener("popstate", this.onPop);
  },
  methods: {
    // --- what the server says

    show({ view, id }) {
      if (this.opening && id !== this.opening.id) return;
      this.opening = null;
      this.missing = !view;
      this.talk = view;
      this.error = "";
      this.toEnd();
      this.see();
    },
    patch(news) {
      if (!this.talk || news.id !== this.talk.id) return;
      const { lines, gone, older, head } = news;
      const atEnd = this.isAtEnd();
      Object.assign(this.talk, head ?? {});
      if (older !== undefined) this.talk.older = older;
      if (lines?.length || gone?.length) this.merge(lines ?? [], gone ?? [], atEnd);
    },
    merge(lines, gone, atEnd) {
      const box = this.$refs.lines;
      const fromEnd = box ? box.scrollHeight - box.scrollTop : 0;
      const known = new Map(this.talk.lines.filter((item) => !gone.includes(item.id)).map((item) => [item.id, item]));
      const isNews = lines.some((item) => !known.has(item.id) && item.at >= (this.talk.lines.at(-1)?.at ?? 0));
      for (const item of lines) known.set(item.id, item);
      this.talk.lines = [...known.values()].sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
      if (atEnd) this.toEnd();
      else if (isNews) this.below = true;
      else this.$nextTick(() => box && (box.scrollTop = box.scrollHeight - fromEnd));
      if (isNews) this.see();
    },
    /** The answer to an act: `error` says what to do, `undo` is the act that takes it back. */
    done({ ticket, error, said, undo }) {
      const asked = this.asked.get(ticket);
      this.asked.delete(ticket);
      this.settle();
      if (!asked) return;
      if (error) {
        if (asked.name === "reply" || asked.name === "note") this.error = error;
        else this.tell(error, { isError: true });
        return;
      }
      this.error = "";
      if (asked.name === "reply" || asked.name === "note") this.$refs.composer?.sent(asked.text);
      if (said) this.tell(said, { undo });
    },
    /** Something that was asked for did not work. */
    told({ error }) {
      this.tell(error, { isError: true });
    },
    passage(found) {
      this.passageShown = found;
      this.$nextTick(() => {
        this.$refs.passage?.showModal();
        this.$refs.passage?.querySelector("mark")?.scrollIntoView({ block: "center" });
      });
    },

    // --- what the operator does

    open(id) {
      if (this.talk?.id === id && !this.opening) return this.page("thread");
      this.opening = { id };
      this.closing = this.toast = null;
      this.below = false;
      const path = `${this.base}/c/${id}`;
      if (location.pathname !== path) history.pushState({ id }, "", path);
      this.page("thread");
    },
    popped() {
      const id = location.pathname.startsWith(`${this.base}/c/`) ? location.pathname.split("/").pop() : null;
      document.dispatchEvent(new CustomEvent("sahut:open", { detail: id }));
      if (!id) return this.page("queue");
      this.opening = { id };
      this.page("thread");
      this.$emit("open", { id });
    },
    page(name) {
      document.documentElement.dataset.page = name;
    },
    back() {
      history.pushState({}, "", `${this.base}/`);
      this.page("queue");
    },
    ask(name, more = {}) {
      const ticket = ++tickets;
      this.asked.set(ticket, { name, ...more });
      this.settle();
      this.$emit("act", { ticket, name, id: this.talk.id, ...more });
      // An answer can be lost with its connection; nobody should wait for it for ever.
      setTimeout(() => this.done({ ticket, error: LOST }), LOST_MS);
    },
    /** What is under way: a second click must do nothing twice, and a button must not hold up a reply. */
    settle() {
      const names = [...this.asked.values()].map((asked) => asked.name);
      this.sending = names.some((name) => name === "reply" || name === "note");
      this.busy = names.some((name) => name !== "reply" && name !== "note");
    },
    act({ name }) {
      if (name === "resolve") return this.ended("");
      this.ask(name);
    },
    ended(note) {
      this.closing = { note };
      this.$nextTick(() => this.$refs.closing?.showModal());
    },
    send({ text, isNote }) {
      this.error = "";
      this.ask(isNote ? "note" : "reply", { text });
    },
    see() {
      const last = this.talk?.lines.at(-1);
      if (last && document.visibilityState === "visible") this.$emit("seen", { id: this.talk.id });
    },
    tell(text, { undo = null, isError = false } = {}) {
      clearTimeout(this.fading);
      this.toast = { text, undo, isError };
      this.fading = setTimeout(() => (this.toast = null), undo || isError ? UNDO_MS : SAID_MS);
    },
    key(event) {
      if (isWriting(event) || event.ctrlKey || event.metaKey || event.altKey || !this.talk) return;
      const does = {
        r: () => this.$refs.composer?.write(false),
        n: () => this.$refs.composer?.write(true),
        c: () => this.talk.can.claim && this.ask("claim"),
        e: () => this.talk.can.resolve && this.ended(""),
        Escape: () => this.back(),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    },

    // --- where it is scrolled

    isAtEnd() {
      const box = this.$refs.lines;
      return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    },
    toEnd() {
      this.below = false;
      this.$nextTick(() => {
        const box = this.$refs.lines;
        if (box) box.scrollTop = box.scrollHeight;
      });
    },
    scrolled() {
      if (this.below && this.isAtEnd()) this.below = false;
    },

    // --- how it looks

    head() {
      const talk = this.talk;
      const window = windowOf(talk.window);
      const due = talk.handoff?.state === "queued" ? dueOf(talk.handoff.due) : null;
      return h("header", { class: "head" }, [
        iconButton("back", "Back to the queue", this.back, { class: "icon-button narrow-only" }),
        h("div", { class: "title" }, [
          h("h2", [words(talk.name)]),
          h("p", { class: "soft facts" }, [
            h("span", { class: `status ${talk.status}` }, STATUS[talk.status] ?? talk.status),
            h("span", { class: "holder" }, talk.holder),
            due ? h("span", { class: `time ${due.urgency}` }, due.text) : null,
            h("span", { class: `time ${window.urgency}` }, [icon(window.urgency === "closed" ? "lock" : "clock", 13), window.text]),
          ]),
        ]),
        h("div", { class: "acts" }, [
          ...ACTS.filter(([name]) => talk.can[name]).map(([name, label, kind]) =>
            button(label, { kind: `small ${kind}`, disabled: this.busy, "data-act": name, onClick: () => this.act({ name }) }),
          ),
          talk.can.assign ? this.assign() : null,
          iconButton("panel", "Contact and history", () => document.dispatchEvent(new CustomEvent("sahut:side")), { "data-act": "side" }),
        ]),
      ]);
    },
    /** What a tool wants to do: all of it is shown, and a yes is bound to what was shown. */
    grant() {
      const { id, tool, arguments: shown, bound, waits } = this.talk.grant;
      const pressed = (name, more) => () => this.ask(name, { to: id, ...more });
      return h("section", { class: "summary grant", "aria-label": "Needs your yes" }, [
        h("p", [h("strong", [words(tool)]), waits ? " needs the yes of a person before it acts:" : " was agreed to and is being done:"]),
        h("dl", shown.flatMap(({ name, value }) => [h("dt", [words(name)]), h("dd", { dir: "auto" }, [words(value)])])),
        waits ? h("div", { class: "buttons" }, [
          button("Do it", { kind: "primary small", disabled: this.busy, "data-act": "approve", onClick: pressed("approve", { text: bound }) }),
          button("Refuse", { kind: "small", disabled: this.busy, "data-act": "refuse", onClick: pressed("refuse") }),
        ]) : null,
      ]);
    },
    assign() {
      return h("select", {
        class: "assign", "aria-label": "Assign to", disabled: this.busy,
        onChange: (event) => {
          if (event.target.value) this.ask("assign", { to: event.target.value });
          event.target.value = "";
        },
      }, [h("option", { value: "" }, "Assign…"), ...this.talk.colleagues.map((person) => h("option", { value: person.id }, person.name))]);
    },
    lines() {
      const drawn = [];
      let before = null;
      for (const item of this.talk.lines) {
        const isNewDay = !before || day(before.at) !== day(item.at);
        if (isNewDay) drawn.push(h("p", { class: "day", key: `day-${item.id}` }, h("span", day(item.at))));
        const isFirst = isNewDay || before.author !== item.author || before.name !== item.name;
        drawn.push(line(item, { isFirst, customer: this.talk.name, onCitation: (citation) => this.$emit("passage", { message: item.id, citation: citation.id }) }));
        before = item;
      }
      return drawn;
    },
    passageDialog() {
      const found = this.passageShown;
      if (!found) return null;
      return h("dialog", { ref: "passage", class: "passage", "aria-labelledby": "passage-title", onClose: () => (this.passageShown = null), onClick: (event) => event.target === this.$refs.passage && this.$refs.passage.close() }, [
        h("div", { class: "sheet" }, [
          h("header", [
            h("div", [h("h3", { id: "passage-title" }, [words(found.title)]), h("p", { class: "soft" }, [words(found.path), found.note ? ` · ${found.note}` : ""])]),
            iconButton("close", "Close", () => this.$refs.passage.close()),
          ]),
          h("div", { class: "document", tabindex: 0, dir: "auto" }, [found.before, h("mark", found.quote), found.after]),
        ]),
      ]);
    },
    closingDialog() {
      if (!this.closing) return null;
      const close = () => this.$refs.closing?.close();
      return h("dialog", { ref: "closing", class: "small-dialog", "aria-labelledby": "closing-title", onClose: () => (this.closing = null) }, [
        h("form", { onSubmit: (event) => { event.preventDefault(); this.ask("resolve", { text: this.closing.note.trim() }); close(); } }, [
          h("h3", { id: "closing-title" }, "Resolve this conversation"),
          h("label", { for: "closing-note" }, "Closing note for your colleagues (optional)"),
          h("textarea", { id: "closing-note", rows: 3, maxlength: 4096, dir: "auto", value: this.closing.note, onInput: (event) => (this.closing.note = event.target.value) }),
          h("div", { class: "buttons" }, [button("Cancel", { kind: "quiet", onClick: close }), h("button", { type: "submit", class: "button primary" }, "Resolve")]),
        ]),
      ]);
    },
    nothing() {
      const [first, second] = this.missing ? ["There is no such conversation", "It may have been removed."] : ["Nothing is open", "Choose a conversation on the left, or press J."];
      return h("div", { class: "nothing" }, [h("p", { class: "strong" }, first), h("p", second)]);
    },
    toastArea() {
      const toast = this.toast;
      return h("div", { class: "toasts", role: "status", "aria-live": "polite" }, toast ? [
        h("div", { class: ["toast", { isError: toast.isError }] }, [
          toast.isError ? icon("warn", 16) : icon("check", 16),
          h("span", toast.text),
          toast.undo ? button("Undo", { kind: "small", onClick: () => { const undo = toast.undo; this.toast = null; this.ask(undo); } }) : null,
          iconButton("close", "Dismiss", () => (this.toast = null)),
        ]),
      ] : []);
    },
  },
  render() {
    void this.beat;
    const talk = this.opening ? null : this.talk;
    const inside = talk
      ? [
          this.head(),
          talk.handoff?.summary && talk.handoff.state !== "resolved" ? h("p", { class: "summary", dir: "auto" }, talk.handoff.summary) : null,
          talk.grant ? this.grant() : null,
          talk.warning ? h("p", { class: "summary warning", role: "note", dir: "auto" }, [icon("warn", 15), h("span", talk.warning)]) : null,
          h("div", { ref: "lines", class: "lines", role: "log", "aria-label": "Messages", tabindex: 0, onScroll: this.scrolled }, [
            talk.older ? button("Show earlier messages", { kind: "quiet wide", "data-act": "older", onClick: () => this.$emit("older", { id: talk.id }) }) : null,
            ...this.lines(),
          ]),
          this.below ? button("New messages", { kind: "primary small pill", onClick: this.toEnd }) : null,
          h(Composer, { ref: "composer", key: talk.id, conversation: talk, me: this.me, busy: this.sending, error: this.error, onSend: this.send, onAct: this.act, onTemplate: ({ id, values }) => this.ask("template", { to: id, text: JSON.stringify(values) }) }),
          this.passageDialog(),
          this.closingDialog(),
        ]
      : [this.opening ? h("p", { class: "nothing", role: "status" }, "Opening…") : this.nothing()];
    return h("section", { class: "thread", "aria-label": "Conversation" }, [...inside, this.toastArea()]);
  },
};
