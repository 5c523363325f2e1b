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
