// Runs before anything is drawn: the theme, and what takes the place of evaluated code.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  function read() {
    try {
      return JSON.parse(localStorage.getItem("sahut.theme")) || "system";
    } catch {
      return "system";
    }
  }
  window.sahutTheme = (chosen = read()) => {
    root.dataset.theme = chosen === "system" ? (system.matches ? "dark" : "light") : chosen;
    return chosen;
  };
  system.addEventListener("change", () => window.sahutTheme());
  window.sahutTheme();

  // Whoever signs out leaves no drafts behind in a browser that others may use.
  document.addEventListener("submit", (event) => {
    if (!event.target.action?.endsWith?.("/sign-out")) return;
    for (const key of Object.keys(localStorage)) if (key.startsWith("sahut.draft.")) localStorage.removeItem(key);
  });

  // The page forbids `eval`. NiceGUI's server sends calls of component methods as code; this reads exactly that one
  // form, with arguments as JSON, and the reload that follows a reconnection which came too late. Nothing else runs.
  const CALL = /^return runMethod\((\d+), ("(?:[^"\\]|\\.)*"), (\[.*\])\)$/s;
  window.sahutWithoutEval = () => {
    window.runJavascript = (code, request) => {
      const call = CALL.exec(code);
      if (call) {
        const result = window.runMethod(Number(call[1]), JSON.parse(call[2]), JSON.parse(call[3]));
        if (request) {
          const answer = { request_id: request, client_id: window.clientId, result: result ?? null };
          window.socket.emit("javascript_response", answer);
        }
      } else if (code.includes("reloading because outbox rewind failed")) {
        location.reload();
      } else {
        console.error("The console runs no code that is sent to it.");
      }
    };
  };
})();
