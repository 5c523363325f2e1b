// Before the first paint: the theme that was chosen here, else the machine's; then what tells that
// the connection, or the news on it, have stopped.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("offhook-theme");
  const apply = () => {
    root.dataset.theme = chosen() || (dark.matches ? "dark" : "light");
    window.Quasar?.Dark.set(root.dataset.theme === "dark");
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("load", apply);
  window.offhookTheme = () => {
    localStorage.setItem("offhook-theme", root.dataset.theme === "dark" ? "light" : "dark");
    apply();
  };

  // Spans that go on, such as how long somebody talks, are counted here: nobody sends seconds.
  // The server's clock counts, whatever this machine's says.
  let ahead = null;
  const now = () => {
    if (ahead === null) {
      const said = Date.parse(document.getElementById("lost")?.dataset.now);
      if (isNaN(said)) return Date.now();
      const came = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
      ahead = said - (performance.timeOrigin + came);
    }
    return Date.now() + ahead;
  };
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (seconds) => {
    let left = Math.max(0, Math.floor(seconds));
    const first = units.findIndex(([size]) => left >= size);
    if (first < 0) return "0 s";
    return units.slice(first, first + 2).flatMap(([size, unit]) => {
      const many = Math.floor(left / size);
      left %= size;
      return many ? [`${many} ${unit}`] : [];
    }).join(" ");
  };
  window.offhookTick = (root) => {
    for (const one of root.querySelectorAll("[data-since], [data-until]")) {
      const { since, until } = one.dataset;
      const says = span((since ? now() - Date.parse(since) : Date.parse(until) - now()) / 1000);
      if (one.textContent !== says) one.textContent = says;
    }
  };
  setInterval(() => window.offhookTick(document), 1000);

  let heard = Date.now();
  window.offhookHeard = () => { heard = Date.now(); };
  const clock = (at) => new Date(at).toLocaleTimeString("en-GB");
  setInterval(() => {
    const line = document.getElementById("lost");
    if (!line) return;
    const lost = window.socket && !window.socket.connected;
    const silent = line.dataset.live === "yes" && Date.now() - heard > 12000;
    const says = lost ? `Connection lost; trying again. What you see is from ${clock(heard)}.`
      : silent ? `No news since ${clock(heard)}; what you see may have changed.` : "";
    if (line.textContent !== says) line.textContent = says;
    line.hidden = !says;
  }, 1000);

  // In a box that asks, Tab goes round: what is behind it waits.
  addEventListener("keydown", (event) => {
    const box = event.key === "Tab" && document.querySelector(".q-dialog--modal .ask");
    if (!box) return;
    const fields = [...box.querySelectorAll("input, select, textarea, button")].filter(
      (one) => !one.disabled && one.type !== "hidden",
    );
    const at = fields.indexOf(document.activeElement);
    const next = event.shiftKey ? (at <= 0 ? fields.length : at) - 1 : (at + 1) % fields.length;
    event.preventDefault();
    fields[next]?.focus();
  }, true);

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (document.querySelector(".q-dialog--modal .ask") && !event.target.closest(".ask")) return;
    const key = event.key.toUpperCase();
    const button = [...document.querySelectorAll("[data-keys]")].find(
      (one) => one.dataset.keys.toUpperCase() === key && !one.disabled,
    );
    if (button) { event.preventDefault(); button.click(); }
  });
})();
