"use strict";
// Light and dark: what the system prefers until the button chooses; the choice is kept where the browser allows it.
const page = JSON.parse(document.getElementById("data").textContent);
const themeListeners = [];

// An element with text (never markup) and attributes.
function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function isDark() { return document.documentElement.dataset.theme === "dark"; }

function showTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").setAttribute("aria-pressed", String(dark));
  for (const listener of themeListeners) listener();
}

function storedTheme() {
  try { return localStorage.getItem("fewstep-theme"); } catch { return null; }
}

{
  const button = document.getElementById("theme"), preference = matchMedia("(prefers-color-scheme: dark)");
  const stored = storedTheme();
  button.hidden = false;
  showTheme(stored === null ? preference.matches : stored === "dark");
  preference.addEventListener("change", () => { if (storedTheme() === null) showTheme(preference.matches); });
  button.addEventListener("click", () => {
    showTheme(!isDark());
    try { localStorage.setItem("fewstep-theme", isDark() ? "dark" : "light"); } catch { /* not kept */ }
  });
}

// Paper is light.
{
  let wasDark = false;
  addEventListener("beforeprint", () => {
    wasDark = isDark();
    if (wasDark) showTheme(false);
  });
  addEventListener("afterprint", () => { if (wasDark) showTheme(true); });
}
