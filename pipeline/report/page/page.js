"use strict";

// The button turns the scheme that is shown into the other one; until then the reader's system decides.
(() => {
  const button = document.getElementById("scheme");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const tell = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    root.style.colorScheme = dark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();
})();

// What scrolls sideways can be scrolled with the keyboard; what does not is no stop of the Tab key.
const reachable = (() => {
  const update = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", update);
  document.addEventListener("toggle", update, true);
  update();
  return update;
})();
