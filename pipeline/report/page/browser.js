"use strict";

(() => {
  const { labels: names, cards } = JSON.parse(document.getElementById("payload").textContent);
  const byId = (id) => document.getElementById(id);
  const list = byId("matches");
  const SHOWN = 10; // a label's column is shown where it reaches this many thousandths
  let matches = [];
  let chosen = 0; // a place among the matches
  let allLabels = false;

  // Elements: text is always text, never markup.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value != null) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // What is known of a sentence, null where it is not.
  const best = (card) => card.paths[0]?.labels ?? null;
  const student = (card) => card.predictions[byId("system").value] ?? null;
  const differ = (one, other) => one !== null && other !== null && one.some((label, place) => label !== other[place]);

  const CONDITIONS = {
    "student-teacher": (card) => differ(student(card), best(card)),
    "teacher-gold": (card) => differ(best(card), card.gold),
    "student-gold": (card) => differ(student(card), card.gold),
  };

  const filter = () => {
    const language = byId("language").value;
    const wanted = byId("words").value.trim().toLowerCase();
    const conditions = Object.keys(CONDITIONS).filter((id) => byId(id).checked);
    const before = matches[chosen];
    matches = cards.filter(
      (card) =>
        (!language || card.language === language) &&
        (!wanted || card.tokens.join(" ").toLowerCase().includes(wanted)) &&
        conditions.every((id) => CONDITIONS[id](card)),
    );
    list.replaceChildren(...matches.map(option));
    choose(Math.max(0, matches.indexOf(before)));
  };

  const option = (card, place) => {
    const wrong = card.gold && student(card) ? student(card).filter((label, word) => label !== card.gold[word]).length : 0;
    const words = make("span", { dir: "auto", lang: card.language, class: "words" }, card.tokens.join(" "));
    const item = make("li", { role: "option", id: `match-${place}`, "aria-selected": "false", title: card.name });
    item.append(make("span", { class: "language" }, card.language), words);
    if (wrong) item.append(make("span", { class: "wrong", title: "words on which the student differs from gold" }, `≠${wrong}`));
    item.addEventListener("click", () => choose(place));
    return item;
  };

  const choose = (place) => {
    list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    chosen = Math.min(Math.max(place, 0), Math.max(0, matches.length - 1));
    const item = list.children[chosen];
    if (item) {
      item.setAttribute("aria-selected", "true");
      list.setAttribute("aria-activedescendant", item.id);
      // Not scrollIntoView, which would move the page, too.
      if (item.offsetTop < list.scrollTop) list.scrollTop = item.offsetTop;
      const below = item.offsetTop + item.offsetHeight - list.clientHeight;
      if (below > list.scrollTop) list.scrollTop = below;
    } else {
      list.removeAttribute("aria-activedescendant");
    }
    byId("count").textContent = matches.length
      ? `${chosen + 1} of ${matches.length} that match; ${cards.length} in all`
      : `No sentence matches; ${cards.length} in all`;
    byId("previous").disabled = chosen === 0;
    byId("next").disabled = chosen >= matches.length - 1;
    byId("sentence").replaceChildren(...(matches.length ? detail(matches[chosen]) : []));
    reachable();
  };

  const detail = (card) => {
    const trained = { true: "the teacher was trained on it", false: "the teacher was not trained on it" }[card.seen];
    const about = [card.name, card.language, trained, card.gold ? null : "no gold labels"].filter(Boolean).join(" · ");
    const reach = (place) => Math.max(0, ...card.posteriors.map((row) => row[place]));
    const columns = card.labels.map((_, place) => place).filter((place) => allLabels || reach(place) >= SHOWN);
    const parts = [
      make("h3", { dir: "auto", lang: card.language }, card.tokens.join(" ")),
      make("p", { class: "note" }, about),
      make("div", { class: "scroll" }, grid(card, card.posteriors.length ? columns : [])),
    ];
    parts.push(make("p", { class: "note" }, "≠G differs from gold, ≠T from the teacher's best path; underlined: differs from that path. "));
    if (card.posteriors.length) parts.push(labelSwitch(card, columns.length));
    return parts;
  };

  const labelSwitch = (card, shown) => {
    const box = make("input", { type: "checkbox", id: "all-labels" });
    box.checked = allLabels;
    box.addEventListener("change", () => {
      allLabels = box.checked;
      choose(chosen);
      byId("all-labels").focus();
    });
    const rest = allLabels ? "" : ` (shown: the ${shown} that reach ${SHOWN / 10}% on a word)`;
    return make("label", { class: "note" }, box, ` all ${card.labels.length} labels' posteriors${rest}`);
  };

  const grid = (card, columns) => {
    const table = make("table", { class: "sentence" });
    table.append(head(card, columns), make("tbody", {}, ...card.tokens.map((_, place) => row(card, columns, place))));
    return table;
  };

  const head = (card, columns) => {
    const top = make("tr");
    const below = make("tr");
    const tall = (...text) => top.append(make("th", { scope: "col", rowspan: 2 }, ...text));
    const wide = (text, count) => count && top.append(make("th", { scope: "colgroup", colspan: count, class: "group" }, text));
    tall("word");
    tall("gold");
    tall("student", make("br"), byId("system").value);
    wide("teacher's best paths, probability p, weight w", card.paths.length);
    wide("teacher's posteriors, %", columns.length);
    card.paths.forEach((path, rank) => {
      const lines = [String(rank + 1), make("br"), `p ${path.p.toFixed(4)}`, make("br"), `w ${path.w.toFixed(4)}`];
      below.append(make("th", { scope: "col", class: rank ? null : "first" }, ...lines));
    });
    columns.forEach((place, rank) => {
      const name = make("span", {}, names[card.labels[place]]);
      below.append(make("th", { scope: "col", class: rank ? "upright" : "upright first" }, name));
    });
    return make("thead", {}, top, below);
  };

  const row = (card, columns, place) => {
    const at = (labels) => (labels === null ? null : labels[place]);
    const [gold, teacher, predicted] = [at(card.gold), at(best(card)), at(student(card))];
    const line = make("tr", {}, make("th", { scope: "row", dir: "auto", lang: card.language }, card.tokens[place]));
    line.append(labelCell(gold, []), labelCell(predicted, [["≠G", "gold", gold], ["≠T", "the teacher", teacher]]));
    card.paths.forEach((path, rank) => {
      const against = rank ? [] : [["≠G", "gold", gold]];
      const cell = labelCell(path.labels[place], against);
      if (!rank) cell.classList.add("first");
      else cell.classList.add(path.labels[place] === teacher ? "same" : "other");
      line.append(cell);
    });
    columns.forEach((column, rank) => line.append(heat(card, place, column, rank === 0)));
    return line;
  };

  const labelCell = (label, against) => {
    if (label === null) return make("td", { class: "nothing" }, "-");
    const cell = make("td", { class: names[label] === "O" ? "outside" : null }, names[label]);
    for (const [mark, whom, theirs] of against) {
      if (theirs === null || theirs === label) continue;
      cell.classList.add("differs");
      cell.append(" ", make("abbr", { title: `differs from ${whom}: ${names[theirs]}` }, mark));
    }
    return cell;
  };

  const heat = (card, place, column, first) => {
    const value = card.posteriors[place][column];
    const title = `${card.tokens[place]}: ${names[card.labels[column]]} ${(value / 10).toFixed(1)}%`;
    const cell = make("td", { class: first ? "heat first" : "heat", title }, value >= 5 ? String(Math.round(value / 10)) : "·");
    cell.style.setProperty("--share", value / 1000);
    return cell;
  };

  // Keys: left, right, j and k from everywhere, which brings the sentences into view; in the list up and down as well.
  const STEPS = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 };
  const section = byId("sentences");
  const lookedAt = () => {
    const { top, bottom } = section.getBoundingClientRect();
    return top < innerHeight / 2 && bottom > innerHeight / 2;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    const scrolls = target.closest?.(".scroll") && event.key.startsWith("Arrow");
    if (target.matches?.("select, input[type=search]") || scrolls || byId("keys").open) return;
    if (event.key === "/") {
      event.preventDefault();
      byId("words").focus();
    } else if (Object.hasOwn(STEPS, event.key)) {
      event.preventDefault();
      choose(chosen + STEPS[event.key]);
      if (!lookedAt()) section.scrollIntoView();
    }
  });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / (list.firstChild?.offsetHeight ?? 1)));
    const to = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: matches.length - 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(to);
  });
  byId("previous").addEventListener("click", () => choose(chosen - 1));
  byId("next").addEventListener("click", () => choose(chosen + 1));
  for (const kind of ["input", "change"]) byId("filters").addEventListener(kind, filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
