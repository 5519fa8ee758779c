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

// What scrolls sideways says so, and can be scrolled with the keyboard; what does not is no stop of the Tab key.
const reachable = (() => {
  const update = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      const hidden = box.scrollWidth - box.clientWidth;
      box.classList.toggle("wide", hidden > 1);
      box.classList.toggle("more", hidden - box.scrollLeft > 1);
      if (hidden > 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", update);
  document.addEventListener("toggle", update, true);
  document.addEventListener("scroll", ({ target }) => target.matches?.(".scroll") && update(), { capture: true, passive: true });
  update();
  return update;
})();

// Keys of the whole page. Fields keep what is typed into them, and an open list of keys closes by itself.
(() => {
  const dialog = document.getElementById("keys");
  const stops = [...document.querySelectorAll("main > section")];
  const go = (step) => {
    const here = stops.findLastIndex((stop) => stop.getBoundingClientRect().top < 80);
    const to = Math.min(Math.max(here + step, 0), stops.length - 1);
    stops[to]?.scrollIntoView();
  };
  const ACTIONS = {
    "?": () => dialog.showModal(),
    n: () => go(1),
    p: () => go(-1),
    d: () => document.getElementById("scheme").click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
    if (event.target.matches?.("select, input[type=search]") || !Object.hasOwn(ACTIONS, event.key)) return;
    event.preventDefault();
    ACTIONS[event.key]();
  });
  document.getElementById("help").addEventListener("click", () => dialog.showModal());
})();
