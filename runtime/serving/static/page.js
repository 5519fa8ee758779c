"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const K = 5; // label sequences to ask for
  const SHOWN = 0.01; // a label's row is shown if it is this probable at a word
  const WORDS = 300; // words whose marginals are shown, so that a long text does not stall the browser
  const HUES = 8;
  const LONGEST = 24; // characters of a label that are shown
  const EXAMPLES = {
    English: "Angela Merkel visited Acme Corp. in Berlin. On Monday she flew to Oslo to meet Jens Stoltenberg.",
    Deutsch: "Im Mai zog Clara Schumann von Leipzig nach Dresden, wo die Semperoper sie feierte.",
    Nederlands: "Volgens Philips opent Anna de Vries in september een nieuw kantoor in Eindhoven.",
    Español: "María Fernández trabaja para el Banco de Santander en Bilbao desde 2019.",
    עברית: "דוד בן־גוריון נולד בפולין ועבר לתל אביב.",
  };
  let models = [];
  let asking = null; // what ends the request that is under way

  // Elements: text is always text, never markup.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value != null) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const named = (label) => {
    const points = Array.from(label);
    return make("bdi", { title: label }, points.length > LONGEST ? `${points.slice(0, LONGEST).join("")}…` : label);
  };
  const percent = (share) => (share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`);
  const many = (count, word, words) => `${count} ${count === 1 ? word : words}`;

  // -- the request

  const answerOf = async (path, options) => {
    let response;
    try {
      response = await fetch(path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server does not answer. Is it running?");
    }
    const answer = await response.json().catch(() => null);
    if (!response.ok || !answer) throw new Error(answer?.error?.message ?? `The server answered ${response.status}.`);
    return answer;
  };

  const tag = async () => {
    asking?.abort();
    const mine = (asking = new AbortController());
    const begun = performance.now();
    const model = models[byId("model").selectedIndex];
    byId("status").textContent = "…";
    try {
      if (!model) throw new Error("The server's models are unknown. Reload the page.");
      const answer = await answerOf("tag", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ text: byId("text").value, model: model.name, k: K, marginals: true }),
        signal: mine.signal,
      });
      show(answer.records[0], model, performance.now() - begun);
    } catch (error) {
      if (error.name !== "AbortError") fail(error.message);
    }
  };

  const fail = (message) => {
    byId("status").textContent = "";
    byId("error").textContent = message;
    byId("error").hidden = false;
    byId("result").hidden = true;
  };

  // -- the answer

  const show = (record, model, milliseconds) => {
    const points = Array.from(record.text); // offsets count characters, not UTF-16's halves
    const cut = (start, end) => points.slice(start, end).join("");
    const words = many(record.tokens.length, "word", "words");
    const spans = model.entities ? `${many(record.entities.length, "entity", "entities")} in ${words}` : words;
    byId("status").textContent = `${spans}, ${Math.round(milliseconds)} ms`;
    byId("error").hidden = true;
    byId("entities-title").textContent = model.entities ? "Entities" : "Labels";
    const marks = model.entities ? record.entities : labelled(record);
    const hueOf = hues(model);
    byId("marked").replaceChildren(...marked(marks, cut, points.length, hueOf));
    byId("entities").replaceChildren(...(model.entities ? [entityTable(record.entities, hueOf)] : []));
    byId("words").replaceChildren(...(record.tokens.length ? [heat(record, model.labels)] : []));
    const rest = record.tokens.length > WORDS;
    byId("rest").textContent = rest ? `Shown: the first ${WORDS} of ${words}.` : "";
    byId("labelings").replaceChildren(...(record.labelings ?? []).map((one, place) => labeling(one, place, record)));
    byId("result").hidden = false;
    reachable();
  };

  // A type has the same colour in each answer of a model; its name is always written beside it.
  const hues = (model) => {
    const types = model.entities
      ? model.labels.filter((label) => label.includes("-")).map((label) => label.slice(label.indexOf("-") + 1))
      : model.labels;
    const places = new Map([...new Set(types)].map((type, place) => [type, place % HUES]));
    return (type) => `hue-${places.get(type) ?? 0}`;
  };

  const labelled = (record) =>
    record.labels.map((label, place) => {
      const [start, end] = record.offsets[place];
      return { type: label, start, end, probability: record.probabilities[place] };
    });

  const marked = (marks, cut, length, hueOf) => {
    const parts = [];
    let end = 0;
    for (const one of marks) {
      const about = { class: hueOf(one.type), title: `${one.type} ${percent(one.probability)}` };
      parts.push(cut(end, one.start), make("mark", about, cut(one.start, one.end), make("small", {}, named(one.type))));
      end = one.end;
    }
    return [...parts, cut(end, length)];
  };

  const entityTable = (entities, hueOf) => {
    if (!entities.length) return make("p", { class: "note" }, "No entities.");
    const heads = [["Text"], ["Type"], ["Probability", "number"], ["Characters", "number"]];
    const head = make("tr", {}, ...heads.map(([name, kind]) => make("th", { scope: "col", class: kind }, name)));
    const rows = entities.map((entity) =>
      make(
        "tr",
        {},
        make("td", {}, make("bdi", {}, entity.text)),
        make("td", { class: hueOf(entity.type) }, make("span", { class: "swatch" }), named(entity.type)),
        make("td", { class: "number" }, percent(entity.probability)),
        make("td", { class: "number" }, `${entity.start}–${entity.end}`),
      ),
    );
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  };

  const heat = (record, labels) => {
    const tokens = record.tokens.slice(0, WORDS);
    const places = labels.map((_, place) => place);
    const rows = places.filter((place) => tokens.some((_, word) => record.marginals[word][place] >= SHOWN));
    const head = make("tr", {}, make("td"));
    for (const word of tokens) head.append(make("th", { scope: "col", title: word }, make("bdi", {}, word)));
    const body = rows.map((place) => {
      const line = make("tr", {}, make("th", { scope: "row" }, named(labels[place])));
      tokens.forEach((word, at) => {
        const share = record.marginals[at][place];
        const outside = labels[place] === "O" ? "best outside" : "best";
        const shown = share >= 0.005 ? String(Math.round(100 * share)) : "·";
        const cell = make("td", { class: record.labels[at] === labels[place] ? outside : null, title: `${word}: ${labels[place]} ${percent(share)}` }, shown);
        cell.style.setProperty("--share", share);
        line.append(cell);
      });
      return line;
    });
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  };

  const labeling = ({ labels, probability }, place, record) => {
    const first = record.labelings[0].labels;
    const changes = labels.flatMap((label, at) =>
      label === first[at]
        ? []
        : [make("span", { class: "change" }, make("bdi", {}, record.tokens[at]), " ", make("s", {}, named(first[at])), " ", named(label))],
    );
    const what = place ? make("span", {}, ...changes) : make("span", {}, "the labels above");
    const rank = make("span", { class: "place" }, `${place + 1}.`);
    return make("li", {}, rank, make("span", { class: "number" }, percent(probability)), what);
  };

  // What scrolls sideways can be scrolled with the keyboard; what does not is no stop of the Tab key.
  const reachable = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  // -- the page

  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const tell = () => byId("scheme").setAttribute("aria-pressed", String(dark()));
  byId("scheme").addEventListener("click", () => {
    root.style.colorScheme = dark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();

  for (const [name, text] of Object.entries(EXAMPLES)) {
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => {
      byId("text").value = text;
      tag();
    });
    byId("examples").append(button);
  }
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    tag();
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    tag();
  });
  byId("model").addEventListener("change", () => {
    if (!byId("result").hidden) tag();
  });
  addEventListener("resize", reachable);

  const start = async () => {
    try {
      ({ models } = await answerOf("models"));
    } catch (error) {
      return fail(error.message);
    }
    byId("model").replaceChildren(...models.map((model) => make("option", {}, model.name)));
    if (!byId("text").value) byId("text").value = EXAMPLES.English;
    await tag();
  };
  start();
})();
