// The reply box: what is written here survives a reload, a restart and an expired session in this browser.
import { h, button, icon, keep, kept, ticking, windowOf } from "sahut-common";

const LONG = 4096;
const CLOSED = "The 24-hour window is closed: only a template reaches the customer until they write again.";
const NONE = "The 24-hour window is closed. You can write again as soon as the customer does.";

export default {
  mixins: [ticking],
  props: { conversation: Object, me: String, busy: Boolean, error: String },
  emits: ["send", "act", "template"],
  data() {
    return { ...this.draft(), chosen: "", values: {} };
  },
  mounted() {
    this.grow();
  },
  watch: {
    text() {
      this.save();
      this.$nextTick(this.grow);
    },
    isNote() {
      this.save();
    },
    "conversation.id"() {
      Object.assign(this, this.draft());
    },
  },
  methods: {
    name() {
      return `draft.${this.me}.${this.conversation.id}`;
    },
    /** What was being written, unless it went out and only the answer to that was lost. */
    draft() {
      const { text, isNote } = kept(this.name(), { text: "", isNote: false });
      const last = this.conversation.lines.findLast((line) => line.mine);
      return last && last.text === text.trim() ? { text: "", isNote: false } : { text, isNote };
    },
    save() {
      keep(this.name(), this.text ? { text: this.text, isNote: this.isNote } : null);
    },
    /** What was sent has arrived at the server: forget it, unless more was written meanwhile. */
    sent(text) {
      if (this.text.trim() !== text) return;
      this.text = "";
      // The next words are for the customer again, unless somebody says otherwise.
      this.isNote = false;
    },
    write(isNote) {
      this.isNote = isNote;
      this.$nextTick(() => this.$refs.box?.focus());
    },
    grow() {
      const box = this.$refs.box;
      if (!box) return;
      box.style.height = "auto";
      box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
    },
    send() {
      const text = this.text.trim();
      if (text && !this.busy && (this.isNote || !this.shut)) this.$emit("send", { text, isNote: this.isNote });
    },
    /** A template to choose, its gaps to fill in, and what it will read like. */
    templates() {
      const template = this.template;
      if (!template) return null;
      const ready = template.slots.every((slot) => (this.values[slot.key] ?? "").trim());
      const send = () => this.$emit("template", { id: template.id, values: this.values });
      return h("div", { class: "template" }, [
        h("select", { "aria-label": "Template", value: template.id, onChange: (event) => { this.chosen = event.target.value; this.values = {}; } },
          this.offers.map((one) => h("option", { value: one.id, selected: one.id === template.id }, one.name))),
        h("p", { class: "text soft", dir: "auto" }, template.text),
        ...template.slots.map((slot) =>
          h("input", {
            key: `${template.id} ${slot.key}`, type: "text", dir: "auto", maxlength: 1024, "aria-label": slot.label, placeholder: slot.label,
            value: this.values[slot.key] ?? "", onInput: (event) => (this.values = { ...this.values, [slot.key]: event.target.value }),
          })),
        button("Send template", { kind: "primary small", disabled: !ready || this.busy, "data-act": "template", onClick: send }),
      ]);
    },
    /** What the assistant would have answered, had it been surer: to be read, mended and sent by a person. */
    suggestion() {
      const text = this.conversation.handoff?.suggestion;
      if (!text || this.text || this.isNote || this.window.urgency === "closed") return null;
      const use = () => { this.text = text; this.$nextTick(() => this.$refs.box?.focus()); };
      return h("div", { class: "suggestion", role: "note", "aria-label": "Suggested reply" }, [
        h("p", { class: "soft" }, "The assistant was not sure enough to send this:"),
        h("p", { class: "text", dir: "auto" }, text),
        this.shut ? null : button("Use as a draft", { kind: "small", "data-act": "suggestion", onClick: use }),
      ]);
    },
    key(event) {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
      if (event.key === "Escape") event.target.blur();
    },
  },
  computed: {
    window() {
      void this.beat;
      return windowOf(this.conversation.window);
    },
    /** Why no reply can be written, with the act that changes it. */
    shut() {
      if (this.window.urgency === "closed") return { text: this.offers.length ? CLOSED : NONE };
      return this.conversation.shut;
    },
    /** What may be sent while the window is closed, by whoever may write here. */
    offers() {
      return this.conversation.shut ? [] : (this.conversation.templates ?? []);
    },
    template() {
      return this.offers.find((one) => one.id === this.chosen) ?? this.offers[0];
    },
  },
  render() {
    const shut = !this.isNote && this.shut;
    const label = this.isNote ? "Internal note" : "Reply";
    return h("form", { class: ["composer", { isNote: this.isNote }], "aria-label": label, onSubmit: (event) => { event.preventDefault(); this.send(); } }, [
      h("div", { class: "modes", role: "group", "aria-label": "What to write" }, [
        h("button", { type: "button", "aria-pressed": String(!this.isNote), onClick: () => this.write(false) }, "Reply"),
        h("button", { type: "button", "aria-pressed": String(this.isNote), onClick: () => this.write(true) }, [icon("note", 14), "Note"]),
        h("span", { class: "spring" }),
        this.text.length > LONG - 500 ? h("span", { class: "soft" }, this.text.length > LONG ? `${this.text.length} characters: goes out as several messages` : `${this.text.length} of ${LONG}`) : null,
        h("span", { class: `time ${this.window.urgency}` }, [icon(this.window.urgency === "closed" ? "lock" : "clock", 14), this.window.text]),
      ]),
      shut
        ? h("div", { class: "shut", role: "status" }, [
            icon("lock", 16),
            h("span", shut.text),
            shut.act ? button(shut.label, { kind: "primary small", onClick: () => this.$emit("act", { name: shut.act }) }) : null,
          ])
        : null,
      shut && this.window.urgency === "closed" ? this.templates() : null,
      this.suggestion(),
      shut && !this.text
        ? null
        : h("div", { class: "write" }, [
            h("textarea", {
              ref: "box", dir: "auto", rows: 1, value: this.text, "aria-label": label, disabled: Boolean(shut),
              placeholder: this.isNote ? "A note for your colleagues. The customer never sees it." : "Write to the customer. Enter sends, Shift+Enter makes a new line.",
              onInput: (event) => (this.text = event.target.value), onKeydown: this.key,
            }),
            h("button", { type: "submit", class: "button primary send", disabled: Boolean(shut) || this.busy || !this.text.trim() }, [icon("send"), h("span", this.isNote ? "Save note" : "Send")]),
          ]),
      this.error ? h("p", { class: "failure", role: "alert" }, [icon("warn", 15), h("span", this.error)]) : null,
    ]);
  },
};
