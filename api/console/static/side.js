// Beside the conversation: the contact, the request for a person, tickets, and what happened.
import { button, h, dueOf, iconButton, keep, kept, moment, ticking, words } from "sahut-common";

const PROMISE = { kept: "Kept", broken: "Broken", dismissed: "No promise" };
const HANDOFF = { queued: "Waiting", claimed: "Claimed", returned: "Returned", resolved: "Resolved" };

export default {
  mixins: [ticking],
  props: { view: Object },
  emits: ["find"],
  data() {
    return { about: this.view, merging: null, shown: kept("side", innerWidth >= 1280) && innerWidth >= 1100 };
  },
  mounted() {
    this.onToggle = () => this.toggle();
    document.addEventListener("sahut:side", this.onToggle);
    this.place();
  },
  unmounted() {
    document.removeEventListener("sahut:side", this.onToggle);
  },
  methods: {
    show({ view }) {
      if (view?.id !== this.about?.id) this.merging = null;
      this.about = view;
    },
    /** Who was found by the words that were typed; an answer to older words says nothing. */
    found({ text, people }) {
      if (this.merging?.text === text) this.merging = { ...this.merging, people, other: "" };
    },
    toggle() {
      this.shown = !this.shown;
      keep("side", this.shown);
      this.place();
      if (this.shown) this.$nextTick(() => this.$refs.close?.focus());
    },
    place() {
      document.documentElement.dataset.side = this.shown ? "shown" : "hidden";
    },
    part(title, inside) {
      return h("section", { class: "part" }, [h("h3", title), ...inside]);
    },
    facts(pairs) {
      return h("dl", { class: "pairs" }, pairs.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", name), h("dd", typeof value === "string" ? [words(value)] : [value])]));
    },
    ask(name, to) {
      document.dispatchEvent(new CustomEvent("sahut:ask", { detail: { id: this.about.id, name, to } }));
    },
    merge() {
      this.merging = { text: "", people: null, other: "" };
      this.$nextTick(() => this.$refs.merge?.showModal());
    },
    find(text) {
      this.merging = { text, people: null, other: "" };
      clearTimeout(this.typing);
      if (text.trim()) this.typing = setTimeout(() => this.$emit("find", { text }), 250);
    },
    /** Whom to choose from: two of one name are told apart by their numbers. */
    people() {
      const { people, other } = this.merging;
      if (!people) return null;
      if (!people.length) return h("p", { class: "soft", role: "status" }, "Nobody else found.");
      return h("fieldset", { class: "people" }, [
        h("legend", { class: "sr" }, "Contacts"),
        ...people.map((person) => h("label", { key: person.id }, [
          h("input", { type: "radio", name: "other", value: person.id, checked: other === person.id, onChange: () => (this.merging = { ...this.merging, other: person.id }) }),
          " ", words(person.name), " ", h("span", { class: "soft" }, [words(person.phone)]),
        ])),
      ]);
    },
    mergeDialog() {
      if (!this.merging) return null;
      const close = () => this.$refs.merge?.close();
      const submit = (event) => {
        event.preventDefault();
        this.ask("merge", this.merging.other);
        close();
      };
      return h("dialog", { ref: "merge", class: "small-dialog", "aria-labelledby": "merge-title", onClose: () => (this.merging = null) }, [
        h("form", { onSubmit: submit }, [
          h("h3", { id: "merge-title" }, "Merge with another contact"),
          h("p", ["The names, conversations and tickets of the contact that you choose become those of ", words(this.about.name || this.about.phone), ". This cannot be undone."]),
          h("label", { for: "merge-search" }, "Find by name, number or ticket"),
          h("input", { id: "merge-search", type: "text", autocomplete: "off", maxlength: 100, dir: "auto", value: this.merging.text, onInput: (event) => this.find(event.target.value) }),
          this.people(),
          h("div", { class: "buttons" }, [button("Cancel", { kind: "quiet", onClick: close }), h("button", { type: "submit", class: "button danger", disabled: !this.merging.other }, "Merge")]),
        ]),
      ]);
    },
    promise(item) {
      const isOpen = item.state === "open";
      const due = isOpen ? dueOf(item.due) : null;
      const settle = (state, label) => button(label, { kind: "small", "data-act": `promise_${state}`, onClick: () => this.ask(`promise_${state}`, item.id) });
      return h("div", { class: "card promise", key: item.id }, [
        h("p", { class: "strong" }, [words(item.owner), due ? h("span", { class: `time ${due.urgency}` }, due.text) : h("span", { class: "chip" }, PROMISE[item.state] ?? item.state)]),
        h("p", { dir: "auto" }, item.text),
        this.facts([["Due", moment(item.due)], ["Said by", item.settledBy]]),
        isOpen ? h("p", { class: "acts" }, [settle("kept", "Kept"), settle("broken", "Not kept"), settle("dismissed", "No promise")]) : null,
      ]);
    },
    handoff(item) {
      const due = item.state === "queued" ? dueOf(item.due) : null;
      return h("div", { class: "card", key: item.id }, [
        h("p", { class: "strong" }, [`${HANDOFF[item.state] ?? item.state}${item.lane === "spam" ? " (spam)" : ""}`, due ? h("span", { class: `time ${due.urgency}` }, due.text) : null]),
        item.summary ? h("p", { dir: "auto" }, item.summary) : null,
        this.facts([["Reason", item.reasonText], ["Opened", moment(item.at)], ["Claimed by", item.claimedBy], ["Note", item.note]]),
      ]);
    },
  },
  render() {
    void this.beat;
    if (!this.shown || !this.about) return h("div", { class: "side-none", hidden: true });
    const about = this.about;
    return h("aside", { class: "side", "aria-label": "Contact and history" }, [
      h("header", [h("h2", "Contact"), iconButton("close", "Close", this.toggle, { ref: "close" })]),
      h("div", { class: "inside", tabindex: 0, role: "region", "aria-label": "Details" }, [
        this.part("Who", [this.facts([["Name", about.name], ["Phone", about.phone], ["WhatsApp id", about.userId], ["Language", about.language], ["Since", moment(about.since)]]), about.merges ? button("Merge with another contact…", { kind: "small quiet", "data-act": "merge", onClick: this.merge }) : null]),
        about.facts.length ? this.part("Said of themselves", [h("dl", { class: "pairs known" }, about.facts.flatMap((fact) => [
          h("dt", fact.kind), h("dd", [words(fact.value), " ", button("Forget", { kind: "quiet small", "data-act": "forget_fact", "aria-label": `Forget ${fact.value}`, onClick: () => this.ask("forget_fact", fact.id) })]),
        ]))]) : null,
        about.summary ? this.part("Earlier, summed up", [h("p", { class: "soft summary", dir: "auto" }, about.summary)]) : null,
        about.promises.length ? this.part("Promises", about.promises.map((item) => this.promise(item))) : null,
        this.part("Handoffs", about.handoffs.length ? about.handoffs.map((item) => this.handoff(item)) : [h("p", { class: "soft" }, "None so far.")]),
        this.part("Tickets", about.tickets.length ? about.tickets.map((item) => h("div", { class: "card", key: item.id }, [
          h("p", { class: "strong" }, [words(item.reference), h("span", { class: "chip" }, item.status)]),
          h("p", [words(item.topic)]), h("p", { class: "soft", dir: "auto" }, item.description),
        ])) : [h("p", { class: "soft" }, "None so far.")]),
        this.part("History", about.history.length ? [h("ol", { class: "history" }, about.history.map((item) => h("li", { key: item.id }, [h("span", [words(item.who), ` ${item.what}`]), h("time", { class: "soft" }, moment(item.at))])))] : [h("p", { class: "soft" }, "Nothing yet.")]),
      ]),
      this.mergeDialog(),
    ]);
  },
};
