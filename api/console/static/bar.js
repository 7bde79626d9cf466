// The bar at the top: where one is, what calls for attention (title, sound, notification), the theme, and the way out.
import { h, icon, iconButton, keep, kept, words } from "sahut-common";

const THEMES = { system: ["auto", "light"], light: ["sun", "dark"], dark: ["moon", "system"] };
const KEYS = [
  ["J / K", "next, previous conversation"], ["1 – 4", "lane"], ["/", "search"], ["R", "reply"], ["N", "internal note"], ["C", "claim"],
  ["E", "resolve"], ["Enter", "send"], ["Shift + Enter", "new line"], ["Esc", "leave the box, back to the queue"], ["?", "this list"],
];

export default {
  props: { pages: Array, page: String, name: String, role: String, token: String, base: String, unread: Number, alert: String },
  data() {
    return {
      count: this.unread, alarm: this.alert, theme: kept("theme", "system"), sound: kept("sound", true),
      notices: kept("notices", false) && typeof Notification !== "undefined" && Notification.permission === "granted",
      ended: false, lost: false, help: false,
    };
  },
  mounted() {
    this.titled();
    this.onKey = (event) => {
      const at = event.target;
      if (event.key === "?" && !/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) this.openHelp();
    };
    document.addEventListener("keydown", this.onKey);
    this.watching = setInterval(() => this.listen(), 300);
  },
  unmounted() {
    document.removeEventListener("keydown", this.onKey);
    clearInterval(this.watching);
  },
  methods: {
    /** How many conversations hold something unread, and what has just arrived. */
    news({ unread, arrivals = [] }) {
      this.count = unread;
      this.titled();
      if (!arrivals.length) return;
      if (this.sound) beep();
      if (this.notices && document.visibilityState !== "visible") this.notify(arrivals);
    },
    /** Something that everybody must know, or nothing any more. */
    alerted({ alert }) {
      this.alarm = alert;
    },
    /** The session is over: what was written stays in this browser. */
    expired() {
      this.ended = true;
    },
    listen() {
      if (!window.socket) return;
      clearInterval(this.watching);
      window.socket.on("connect", () => (this.lost = false));
      window.socket.on("disconnect", () => (this.lost = true));
      window.socket.on("connect_error", () => this.check());
    },
    /** A socket that is refused: is it the network, or is the session over? */
    async check() {
      this.lost = true;
      try {
        const answer = await fetch(`${this.base}/alive`, { redirect: "error" });
        if (answer.status === 401) this.expired();
      } catch {
        // The server is away; the socket tries on.
      }
    },
    titled() {
      document.title = `${this.count ? `(${this.count}) ` : ""}${this.pages.find((page) => page.key === this.page)?.label ?? "Console"} · Sahut`;
    },
    notify(arrivals) {
      const first = arrivals[0];
      const notice = new Notification(first.title, { body: arrivals.length > 1 ? `and ${arrivals.length - 1} more` : first.text, tag: "sahut" });
      notice.onclick = () => {
        window.focus();
        document.dispatchEvent(new CustomEvent("sahut:notice", { detail: first.id }));
      };
    },
    turnTheme() {
      this.theme = THEMES[this.theme][1];
      keep("theme", this.theme);
      window.sahutTheme(this.theme);
    },
    turnSound() {
      this.sound = !this.sound;
      keep("sound", this.sound);
      if (this.sound) beep();
    },
    async turnNotices() {
      if (typeof Notification === "undefined") return;
      if (!this.notices && Notification.permission !== "granted" && (await Notification.requestPermission()) !== "granted") return;
      this.notices = !this.notices;
      keep("notices", this.notices);
    },
    openHelp() {
      this.help = true;
      this.$nextTick(() => this.$refs.help?.showModal());
    },
    helpDialog() {
      if (!this.help) return null;
      return h("dialog", { ref: "help", class: "small-dialog", "aria-labelledby": "help-title", onClose: () => (this.help = false) }, [
        h("h3", { id: "help-title" }, "Keyboard"),
        h("dl", { class: "keys" }, KEYS.flatMap(([key, what]) => [h("dt", [h("kbd", key)]), h("dd", what)])),
        h("div", { class: "buttons" }, [h("button", { type: "button", class: "button", onClick: () => this.$refs.help.close() }, "Close")]),
      ]);
    },
    endedDialog() {
      const here = encodeURIComponent(location.pathname);
      return h("div", { class: "ended", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "ended-title", "aria-describedby": "ended-text" }, [
        h("div", { class: "card" }, [
          h("h2", { id: "ended-title" }, "Your session has ended"),
          h("p", { id: "ended-text" }, "Sign in again to go on. What you were writing is kept in this browser."),
          h("a", { class: "button primary", href: `${this.base}/sign-in?next=${here}`, ref: "again", onVnodeMounted: (node) => node.el.focus() }, "Sign in"),
        ]),
      ]);
    },
  },
  render() {
    const [glyph] = THEMES[this.theme];
    return h("div", { class: "bar-holder" }, [
      h("header", { class: "bar" }, [
        h("a", { class: "brand", href: `${this.base}/` }, [h("span", { class: "mark", "aria-hidden": "true" }, "S"), h("span", "Sahut")]),
        h("nav", { "aria-label": "Pages" }, this.pages.map((page) => h("a", { href: `${this.base}${page.path}`, "aria-current": page.key === this.page ? "page" : undefined }, page.label))),
        h("span", { class: "spring" }),
        h("span", { class: "link", role: "status" }, this.lost ? [icon("warn", 15), h("span", "Reconnecting…")] : []),
        iconButton("help", "Keyboard shortcuts", this.openHelp, { class: "icon-button wide-only" }),
        iconButton(this.sound ? "sound" : "mute", this.sound ? "Sound is on" : "Sound is off", this.turnSound, { "aria-pressed": String(this.sound) }),
        iconButton(this.notices ? "bell" : "belloff", this.notices ? "Desktop notifications are on" : "Desktop notifications are off", this.turnNotices, { "aria-pressed": String(this.notices) }),
        iconButton(glyph, `Theme: ${this.theme}`, this.turnTheme),
        h("span", { class: "me", title: this.role }, [words(this.name)]),
        h("form", { method: "post", action: `${this.base}/sign-out` }, [
          h("input", { type: "hidden", name: "token", value: this.token }),
          h("button", { type: "submit", class: "button small quiet" }, "Sign out"),
        ]),
      ]),
      this.alarm ? h("p", { class: "alarm", role: "alert" }, [words(this.alarm), " ", h("a", { href: `${this.base}/sending` }, "What to do")]) : null,
      this.helpDialog(),
      this.ended ? this.endedDialog() : null,
    ]);
  },
};

let sounds = null;
/** Two short soft tones, made here. Before the first click on the page browsers keep it silent. */
function beep() {
  try {
    sounds ??= new AudioContext();
    const start = sounds.currentTime;
    for (const [at, pitch] of [[0, 660], [0.12, 880]]) {
      const tone = sounds.createOscillator();
      const volume = sounds.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start + at);
      volume.gain.exponentialRampToValueAtTime(0.12, start + at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + at + 0.11);
      tone.connect(volume).connect(sounds.destination);
      tone.start(start + at);
      tone.stop(start + at + 0.12);
    }
  } catch {
    // A browser without sound still shows the count in its title.
  }
}
