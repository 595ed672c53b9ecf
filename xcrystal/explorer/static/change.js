// Changing the crystal: orbits, a periodic table, sliders, what a change did, and the smallest changes that turn an outcome.
const OFTEN = 50, HARDLY = 5;  // orbits of the training data that an element is on

function render({ model, el: root }) {
  ownKeys(root);
  const group = `xc-change-${Math.random().toString(36).slice(2)}`;
  const trouble = el("div", { class: "xc-trouble", role: "status" });
  const orbits = el("div", { class: "xc-orbits", role: "radiogroup", "aria-label": "Which atoms to change" });
  const alone = ["The whole orbit", "This atom only"].map((text, k) => el("input", { type: "radio", name: `${group}-alone`,
    "aria-label": text, onchange: () => model.send({ act: "alone", value: Boolean(k) }) }));
  const loss = el("div", { class: "xc-loss", role: "status" });
  const remove = el("button", { class: "xc-button xc-vacancy", type: "button", title: "Remove these atoms",
    onclick: () => model.send({ act: "remove" }) }, "Remove");
  const about = el("div", { class: "xc-about-element", "aria-live": "polite" });
  const table = el("div", { class: "xc-elements", role: "group", "aria-label": "Periodic table: the element to put there; arrow keys move" });
  const sliders = el("div", { class: "xc-moves" });
  const change = el("div", { class: "xc-change-did" });
  const outcome = el("select", { class: "xc-outcome", "aria-label": "What the crystal is to become" });
  const run = el("button", { class: "xc-button xc-search", type: "button", onclick: () => {
    if (model.get("state").progress) model.send({ act: "stop" });
    else model.send({ act: "search", outcome: outcome.value });
  } }, "Find");
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Progress" }), words = el("span");
  const working = el("div", { class: "xc-working" }, bar, words);
  const summary = el("div", { class: "xc-summary", role: "status" });
  const cards = el("div", { class: "xc-cards", role: "group", "aria-label": "Changes that turn the outcome, smallest first" });
  const editor = el("div", { class: "xc-editor" },
    orbits,
    el("div", { class: "xc-how", role: "radiogroup", "aria-label": "How much to change" },
      el("label", {}, alone[0], " whole orbit"), el("label", {}, alone[1], " this atom only"), remove),
    loss, table, about, sliders, change,
    el("div", { class: "xc-how xc-section" }, el("label", {}, "The smallest change that makes it ", outcome), run),
    working, summary, cards,
    el("div", { class: "xc-note" }, "Predicted for edited crystals as they are, not relaxed."));
  root.append(trouble, editor);

  // -- the periodic table: real buttons, of which one can be reached by Tab and the others by arrows
  const buttons = new Map();
  const say = (z) => {
    const [name, seen] = model.get("elements")[z - 1];
    about.textContent = seen < 0 ? name : seen >= OFTEN ? `${name}: on ${seen.toLocaleString("en")} orbits of the crystals that the model learned from.`
      : seen >= HARDLY ? `${name}: rare, on only ${seen} orbits of the crystals that the model learned from.`
        : `${name}: the model hardly knows it (${seen} ${seen === 1 ? "orbit" : "orbits"}), so what it says is a guess.`;
  };
  const drawTable = () => show(table, model.get("elements"), () => {
    buttons.clear();
    return model.get("elements").map(([name, seen], k) => {
      const z = k + 1, known = seen < 0 || seen >= OFTEN ? "" : seen >= HARDLY ? " xc-rare" : " xc-hardly";
      const node = el("button", { class: `xc-element${known}`, type: "button", style: gridPlace(z), tabindex: z === 1 ? 0 : -1,
        title: seen < 0 ? name : `${name}: on ${seen} orbits of the crystals that the model learned from`,
        "aria-label": known ? `${name}, ${seen >= HARDLY ? "rare" : "hardly known to the model"}` : name,
        onmouseenter: () => say(z), onfocus: () => say(z), onkeydown: (event) => walkElements(buttons, event, z),
        onclick: () => model.send({ act: "substitute", element: name }) }, name);
      buttons.set(z, node);
      return node;
    });
  });

  // -- sliders of free coordinates: relative to where the hand began
  let held = null, base = 0;
  const send = latest(model, ([axis, value]) => model.send({ act: "move", key: axis, axis, value }));
  const drawSliders = (state) => {
    const key = [state.formula, state.orbit, state.alone, state.free.map(([axis]) => axis)];
    show(sliders, key, () => {
      held = null;
      if (!state.free.length) return el("div", { class: "xc-note" }, "Symmetry fixes where these atoms are: there is nothing to slide.");
      return state.free.map(([axis]) => {
        const readout = el("output", { class: "xc-readout" });
        const input = el("input", { type: "range", class: `xc-slider xc-move-${axis}`, "data-axis": axis, "aria-label": `Coordinate ${axis}`,
          oninput: () => {
            if (held !== axis) { held = axis; base = Number(input.dataset.at); }
            written(input, readout, Number(input.value));
            send([axis, Number((Number(input.value) - base).toFixed(4))]);
          },
          onchange: () => { held = null; }, onblur: () => { held = null; },
          onkeydown: (event) => { if (event.key !== "Tab") event.stopPropagation(); } });
        return el("label", { class: "xc-move-row" }, el("span", {}, axis), input, readout);
      });
    });
    for (const [axis, value] of state.free) {
      const input = sliders.querySelector(`.xc-move-${axis}`);
      if (!input || held === axis || !state.rest) continue;
      input.min = (value - state.reach).toFixed(4);
      input.max = (value + state.reach).toFixed(4);
      input.step = state.step;
      input.value = value;
      input.dataset.at = value;
      written(input, input.nextElementSibling, value);
    }
  };
  const written = (input, readout, value) => {
    readout.textContent = number(value, 3);
    input.setAttribute("aria-valuetext", `${value.toFixed(3)} of the cell`);
  };

  const drawChange = (did) => {
    change.hidden = !did;
    show(change, did, () => did && [
      el("div", {}, el("b", {}, withSubscripts(did.formulas[0]), " → ", withSubscripts(did.formulas[1])), ` ${did.words}. ${did.symmetry}`),
      did.extrapolates || did.caution ? el("div", { class: "xc-warn" },
        did.extrapolates ? "Extrapolation: far from what the model knows. " : "", did.caution) : null,
      el("table", { class: "xc-before-after" }, el("thead", {}, el("tr", {}, ["Predicted (90 %)", "before", "after", ""].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, did.rows.map(([title, unit, before, after, sure]) => el("tr", {}, el("th", { scope: "row" }, title), el("td", {}, before),
          el("td", {}, `${after} ${unit}`), el("td", { class: "xc-soft" }, sure === null ? "" : sure ? "differs" : "within the error")))))]);
  };

  const drawCards = (search) => {
    summary.hidden = cards.hidden = !search;
    if (!search) { cards.replaceChildren(); delete cards.dataset.shows; return; }
    const count = search.cards.length, rest = count - search.sure;
    summary.textContent = count ? `${search.of} to ${search.outcome}: ${search.sure} ${search.sure === 1 ? "counterfactual" : "counterfactuals"}, smallest first`
      + `${rest ? `; ${rest} more within the model's error` : ""}${search.complete ? "" : "; the search was stopped"}.`
      : `${search.of} to ${search.outcome}: no single substitution or small strain is predicted to do it${search.complete ? "" : " so far"}.`;
    const pictures = model.get("pictures");
    show(cards, [search, pictures.length], () => search.cards.map((one, k) => el("button", {
      class: `xc-card${one.counterfactual ? "" : " xc-unsure"}`, type: "button", title: `Change ${search.of} so`,
      onclick: () => model.send({ act: "take", number: k }) },
    // as an image, what is inside the drawing can run nothing
    pictures[k] ? el("img", { alt: "", src: `data:image/svg+xml,${encodeURIComponent(pictures[k])}` }) : null,
    el("span", {}, el("b", {}, `${k + 1}. `, withSubscripts(one.formula)), `, group ${one.group}`),
    el("span", {}, one.words), el("span", { class: "xc-energy" }, one.value),
    el("span", { class: "xc-soft" }, `size ${one.size}, |dz| ${one.dz}`),
    el("span", { class: one.counterfactual ? "xc-sure" : "xc-soft" }, one.counterfactual ? "counterfactual" : "within the model's error"),
    one.extrapolates ? el("span", { class: "xc-warn" }, "extrapolation") : null)));
  };

  const draw = () => {
    const state = model.get("state"), { progress } = state;
    drawTable();
    trouble.hidden = !state.trouble;
    trouble.textContent = state.trouble;
    show(outcome, state.outcomes, () => state.outcomes.map(([name, text]) => el("option", { value: name }, text)));
    show(orbits, state.sites, () => state.sites.map((site, k) => el("label", { class: "xc-orbit" },
      el("input", { type: "radio", name: `${group}-orbit`, value: String(k), onchange: () => model.send({ act: "orbit", value: k }) }), el("span", {}, site.label))));
    for (const radio of orbits.querySelectorAll("input")) radio.checked = Number(radio.value) === state.orbit;
    alone.forEach((radio, k) => { radio.checked = state.alone === Boolean(k); });
    const site = state.sites[state.orbit];
    for (const node of [remove, ...buttons.values()]) node.disabled = !site;
    for (const [z, node] of buttons) node.setAttribute("aria-current", String(site?.element === model.get("elements")[z - 1][0]));
    loss.textContent = state.loss;
    loss.hidden = !state.loss;
    if (site) drawSliders(state); else { sliders.replaceChildren(); delete sliders.dataset.shows; }
    drawChange(state.change);
    run.textContent = progress ? "Stop" : "Find";
    run.disabled = !site && !progress;
    working.hidden = !progress;
    if (progress) {
      bar.max = progress[3];
      bar.value = progress[2];
      words.textContent = `${progress[0]}: ${progress[2]} of ${progress[3]} tried${progress[1] ? `, ${progress[1]}` : ""}`;
    }
    drawCards(state.search);
  };
  // nothing is looked for while another tab is open; what is only scrolled away goes on, since atoms are clicked elsewhere
  const watch = new ResizeObserver(() => {
    const value = root.getClientRects().length > 0;
    if (value !== model.get("state").awake) model.send({ act: "awake", value });
  });
  watch.observe(root);
  for (const name of ["state", "pictures", "elements"]) model.on(`change:${name}`, draw);
  draw();
  return () => { watch.disconnect(); for (const name of ["state", "pictures", "elements"]) model.off(`change:${name}`, draw); };
}
export default { render };
