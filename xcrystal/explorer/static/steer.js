// The steering panel: a property raised or lowered step by step, random steps, and structures for a formula.
function render({ model, el: root }) {
  ownKeys(root);
  const button = (name, text, title, onclick) =>
    el("button", { class: `xc-button xc-${name}`, type: "button", title, onclick }, text);
  const check = (text, title) => {
    const box = el("input", { type: "checkbox" });
    return [box, el("label", { class: "xc-check", title }, box, ` ${text}`)];
  };

  // -- a property
  const direction = el("select", { class: "xc-direction", "aria-label": "Lower or higher", onchange: () => { chosen = true; } },
    el("option", { value: "lower" }, "Lower"), el("option", { value: "higher" }, "Higher"));
  const target = el("select", { class: "xc-target", "aria-label": "Property to steer", onchange: () => {
    if (!chosen) direction.value = target.value === "band_gap" ? "higher" : "lower";
    now();
  } });
  const value = el("span", { class: "xc-now" });
  const [elements, elementsLabel] = check("the elements", "Every step keeps the same set of elements");
  const [group, groupLabel] = check("the space group", "Every step keeps the space group");
  const steps = el("input", { type: "number", class: "xc-frames", min: "1", value: "10", "aria-label": "Number of steps" });
  const run = button("start", "Start", "Take steps towards it, each a crystal that is really decoded", () => {
    if (model.get("state").progress) { model.send({ act: "stop" }); return; }
    const hold = [elements.checked && "elements", group.checked && "space_group"].filter(Boolean);
    model.send({ act: "steer", target: target.value, direction: direction.value, steps: Number(steps.value) || 10, hold });
  });
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Progress" }), words = el("span");
  const working = el("div", { class: "xc-working" }, bar, words);
  const summary = el("div", { class: "xc-summary", role: "status" });
  const readout = el("div", { class: "xc-readout" });
  let over = null, chosen = false;
  const chart = laneChart({ onhover: (k) => { over = k; read(); }, height: 60 });

  // -- at random, and for a formula
  const wander = button("wander", "Random step", "A random step from here", () => model.send({ act: "wander" }));
  const surprise = button("surprise", "Surprise me", "A crystal drawn from the model's prior", () => model.send({ act: "surprise" }));
  const formula = el("input", { type: "text", class: "xc-formula", placeholder: "formula, such as CaTiO3",
    "aria-label": "Formula to propose structures for; press Enter",
    onkeydown: (event) => { if (event.key === "Enter") ask(); } });
  const ask = () => { if (formula.value.trim()) model.send({ act: "propose", formula: formula.value, count: 5 }); };
  const propose = button("propose", "Propose structures", "Search latent space for crystals of this composition", ask);
  const list = el("div", { class: "xc-candidates", role: "group", "aria-label": "Proposed structures, best first" });

  root.append(
    el("div", { class: "xc-how" }, direction, target, value),
    el("div", { class: "xc-how" }, "Hold", elementsLabel, groupLabel,
      el("label", { class: "xc-check" }, steps, " steps"), run),
    working, summary, chart.node, readout,
    el("div", { class: "xc-how xc-section" }, wander, surprise),
    el("div", { class: "xc-how xc-section" }, formula, propose), list,
    el("div", { class: "xc-note" }, "Best first: by predicted energy above hull, and by how near the elements are to those "
      + "of the known crystal that each began from."));

  const now = () => {
    const state = model.get("state"), of = state.targets.find(([name]) => name === target.value);
    value.textContent = of ? `now ${number(state.values[of[0]], of[3])} ${of[2]}` : "";
  };
  const read = () => {
    const { steered } = model.get("state");
    if (!steered) return;
    const k = Math.min(over ?? steered.values.length - 1, steered.values.length - 1);
    show(readout, [k, steered.values, steered.formulas], () => [k ? `Step ${k}: ` : "Beginning: ",
      el("b", {}, withSubscripts(steered.formulas[k])), ` ${number(steered.values[k], steered.digits)} ${steered.unit}; `
      + `${Math.round(100 * steered.quantiles[k])} % of known crystals lie nearer to the data`]);
  };

  const draw = () => {
    const state = model.get("state"), { progress, steered } = state;
    show(target, state.targets, () => state.targets.map(([name, title]) => el("option", { value: name }, title.toLowerCase())));
    steps.max = String(state.most);
    now();
    run.textContent = progress ? "Stop" : "Start";
    run.setAttribute("aria-label", progress ? "Stop after this step" : "Start steering");
    run.disabled = !state.targets.length;
    propose.disabled = Boolean(progress);
    working.hidden = !progress;
    if (progress) {
      bar.max = progress[3];
      bar.value = progress[2];
      words.textContent = `${progress[0]}: ${progress[2]} of ${progress[3]}${progress[1] ? `, ${progress[1]}` : ""}`;
    }
    summary.hidden = readout.hidden = !steered;
    if (steered) {
      const first = steered.values[0], last = steered.values.at(-1), done = steered.values.length - 1;
      const held = steered.hold.length ? `, ${steered.hold.join(" and ")} held` : "";
      summary.textContent = `${steered.title} ${number(first, steered.digits)} → ${number(last, steered.digits)} ${steered.unit} `
        + `in ${done} ${done === 1 ? "step" : "steps"}${held}${steered.reason ? `; ended: ${steered.reason}.` : " …"}`;
      chart.draw({ lanes: [
        { title: steered.title, unit: `${steered.unit}, at the code of each decoded crystal`, digits: steered.digits, values: steered.values },
        { title: "Distance from the data", unit: "rank among known crystals", digits: 2, values: steered.quantiles }],
      count: steered.values.length, current: steered.values.length - 1,
      label: `${steered.title} at each step: ${steered.values.map((v) => number(v, steered.digits)).join(", ")}` });
      read();
    } else chart.draw(null);
    const pictures = model.get("pictures");
    show(list, [state.candidates, pictures.length], () => state.candidates.map((of, k) => el("button", {
      class: "xc-candidate", type: "button", title: `Go to proposal ${k + 1}${of.origin ? `, begun from ${of.origin}` : ""}`,
      onclick: () => model.send({ act: "candidate", number: k }) },
    // as an image, what is inside the drawing can run nothing
    pictures[k] ? el("img", { alt: "", src: `data:image/svg+xml,${encodeURIComponent(pictures[k])}` }) : null,
    el("span", {}, el("b", {}, `${k + 1}. `, withSubscripts(of.formula)), ` ${of.atoms} atoms, space group ${of.group}`),
    of.energy === null ? null : el("span", { class: "xc-energy" }, `${number(of.energy, 2)}`
      + `${of.interval.length ? ` (${of.interval.map((x) => number(x, 2)).join(" to ")})` : ""} eV/atom`),
    of.hull === null ? null : el("span", { class: "xc-energy" }, `${number(of.hull, 3)} above hull`),
    of.known === null ? null : el("span", { class: of.known ? "xc-known" : "xc-new" }, of.known ? `known: ${of.known}` : "new here"))));
    [...list.children].forEach((node, k) => node.setAttribute("aria-current", String(k === state.shown)));
  };
  model.on("change:state", draw);
  model.on("change:pictures", draw);
  draw();
  return () => { chart.end(); model.off("change:state", draw); model.off("change:pictures", draw); };
}
export default { render };
