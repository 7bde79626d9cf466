// The queue: lanes with their counts, and one row for each conversation. Order is the server's.
import { h, button, dueOf, icon, isWriting, ticking, when, windowOf, words } from "sahut-common";

const REASONS = {
  asked_for_human: "asked for a person",
  no_answer: "no answer found",
  low_confidence: "unsure answer",
  spam: "spam",
  sensitive: "sensitive",
  tool_failed: "tool failed",
  model_failed: "model failed",
  media: "sent media",
  rule: "by rule",
};

export default {
  mixins: [ticking],
  props: { view: Object },
  emits: ["lane", "open", "more", "search"],
  data() {
    return { ...this.view, byId: Object.fromEntries(this.view.rows.map((row) => [row.id, row])), order: this.view.rows.map((row) => row.id), loading: false, sought: "", wanted: this.view.lane };
  },
  mounted() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.onRoute = (event) => (this.open = event.detail);
    document.addEventListener("sahut:open", this.onRoute);
    this.onNotice = (event) => this.pick(event.detail);
    document.addEventListener("sahut:notice", this.onNotice);
  },
  unmounted() {
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("sahut:open", this.onRoute);
    document.removeEventListener("sahut:notice", this.onNotice);
  },
  methods: {
    /** New rows, another order, other counts: whatever of these is given. */
    patch(news) {
      for (const row of news.rows ?? []) this.byId[row.id] = row;
      if (news.order) {
        this.order = news.order;
        for (const id of Object.keys(this.byId)) if (!news.order.includes(id)) delete this.byId[id];
      }
      for (const name of ["lanes", "lane", "more", "sought"]) if (name in news) this[name] = news[name];
      this.loading = false;
    },
    pick(id) {
      this.open = id;
      document.dispatchEvent(new CustomEvent("sahut:pick", { detail: id }));
      this.$emit("open", { id });
    },
    choose(lane) {
      // Not `this.lane`: an answer to an older request may just have come and be about to be overtaken.
      if (lane === this.wanted && !this.sought) return;
      this.$refs.search.value = "";
      this.wanted = this.lane = lane;
      this.loading = true;
      this.$emit("lane", { lane });
    },
    key(event) {
      if (isWriting(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { j: 1, k: -1 }[event.key];
      if (step) {
        const at = this.order.indexOf(this.open) + step;
        const next = this.order[Math.min(Math.max(at, 0), this.order.length - 1)];
        if (next && next !== this.open) this.pick(next);
        this.$nextTick(() => this.$el.querySelector(`[data-id="${next}"]`)?.scrollIntoView({ block: "nearest" }));
        event.preventDefault();
      }
      const lane = this.lanes[Number(event.key) - 1];
      if (lane) this.choose(lane.key);
      if (event.key === "/") {
        this.$refs.search.focus();
        event.preventDefault();
      }
    },
    tab(event, at) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = this.lanes[(at + step + this.lanes.length) % this.lanes.length];
      this.choose(next.key);
      this.$nextTick(() => this.$el.querySelector(`#lane-${next.key}`)?.focus());
    },
    lanesBar() {
      return h("div", { class: "lanes", role: "tablist", "aria-label": "Lanes" },
        this.lanes.map((lane, at) =>
          h("button", {
            type: "button", role: "tab", id: `lane-${lane.key}`, class: "lane", "aria-controls": "queue-rows",
            "aria-selected": String(lane.key === this.lane), tabindex: lane.key === this.lane ? 0 : -1,
            onClick: () => this.choose(lane.key), onKeydown: (event) => this.tab(event, at),
          }, [
            h("span", lane.label),
            lane.count === null ? null : h("span", { class: "count" }, [lane.count > 999 ? "999+" : String(lane.count), h("span", { class: "sr" }, " conversations")]),
          ]),
        ),
      );
    },
    find(text) {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => {
        this.loading = true;
        this.$emit("search", { text });
      }, 250);
    },
    searchBox() {
      return h("div", { class: "search" }, [
        h("input", {
          ref: "search", type: "text", role: "searchbox", "aria-label": "Search by name, number or ticket", placeholder: "Search by name, number or ticket",
          autocomplete: "off", maxlength: 100, dir: "auto", onInput: (event) => this.find(event.target.value),
          onKeydown: (event) => event.key === "Escape" && event.target.blur(),
        }),
      ]);
    },
    row(row) {
      const window = windowOf(row.window);
      const due = dueOf(row.due);
      const ending = row.ending && window.urgency !== "closed";
      const urgency = row.due && due.urgency === "urgent" ? "urgent" : row.waits ? window.urgency : "none";
      return h("li", { key: row.id }, [
        h("a", {
          class: ["row", { unread: row.unread, open: row.id === this.open }], href: row.href, "data-id": row.id,
          "data-urgency": urgency, "aria-current": row.id === this.open ? "true" : undefined,
          onClick: (event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            this.pick(row.id);
          },
        }, [
          h("span", { class: "first" }, [
            words(row.name, { class: "name" }),
            row.unread ? h("span", { class: "badge" }, [String(row.unread), h("span", { class: "sr" }, " unread")]) : null,
            h("time", { class: "at" }, when(row.at)),
          ]),
          h("span", { class: "snippet" }, [row.by ? h("span", { class: "by" }, `${row.by}: `) : null, words(row.snippet)]),
          h("span", { class: "facts" }, [
            row.reason ? h("span", { class: "chip" }, REASONS[row.reason] ?? row.reason) : null,
            row.language ? h("span", { class: "language", title: "Language" }, row.language) : null,
            row.holder ? h("span", { class: "holder" }, [icon("person", 13), words(row.holder)]) : null,
            h("span", { class: "spring" }),
            due ? h("span", { class: `time ${due.urgency}` }, due.text) : null,
            h("span", { class: `time ${window.urgency}${ending ? " chip ending" : ""}`, title: window.text }, [
              icon(window.urgency === "closed" ? "lock" : "clock", 13), window.short,
              h("span", { class: "sr" }, ending ? ": the customer window ends soon" : " of the customer window"),
            ]),
          ]),
        ]),
      ]);
    },
    nothing() {
      if (this.sought) return h("div", { class: "nothing" }, [h("p", { class: "strong" }, "Nobody found"), h("p", "Try a part of the name, the phone number, or a whole ticket number.")]);
      const text = {
        support: ["Nobody is waiting", "New handoffs appear here by themselves."],
        spam: ["No spam", "What the assistant takes for spam waits here."],
        mine: ["You hold nothing", "Claim a conversation and it appears here."],
      }[this.lane] ?? ["No conversations yet", "They appear with the first message."];
      return h("div", { class: "nothing" }, [h("p", { class: "strong" }, text[0]), h("p", text[1])]);
    },
  },
  render() {
    void this.beat;
    return h("section", { class: "queue", "aria-label": "Queue" }, [
      this.lanesBar(),
      this.searchBox(),
      h("div", { class: "rows", id: "queue-rows", role: "tabpanel", "aria-labelledby": `lane-${this.lane}`, "aria-busy": String(this.loading), tabindex: -1 }, [
        this.order.length ? h("ul", this.order.filter((id) => this.byId[id]).map((id) => this.row(this.byId[id]))) : this.loading ? null : this.nothing(),
        this.more ? button("Show more", { kind: "quiet wide", onClick: () => this.$emit("more", {}) }) : null,
      ]),
    ]);
  },
};
