// Controls above the canvases, legend and picked atom below them. The canvases themselves are nglview's.
function render({ model, el: root }) {
  ownKeys(root);
  const act = (name, value) => model.send({ act: name, value });
  const state = () => model.get("state");
  const toggle = (name, text, title, css) => el("button", { type: "button", class: `xc-toggle ${css ?? ""}`, title,
    "aria-pressed": "false", onclick: (event) => act(name, event.currentTarget.getAttribute("aria-pressed") !== "true") },
    text);

  const target = el("select", { "aria-label": "Atoms by", title: "Colour atoms by element, or by how much each " +
    "contributes to a predicted property", onchange: (event) => act("attribute", event.target.value) });
  const shown = el("div", { class: "xc-shown", role: "group", "aria-label": "Which crystal is drawn" });
  const cell = toggle("cell", "Conventional", "Conventional cell of decoded crystals; otherwise the primitive one", "xc-cell");
  const boundary = toggle("boundary", "Boundary", "Repeat atoms on faces, edges and corners on the opposite side", "xc-boundary");
  const bonds = toggle("bonds", "Bonds", "Draw bonds, found in the endless crystal", "xc-bonds");
  const repeat = (event) => {
    event.target.value = Math.min(Math.max(Math.round(Number(event.target.value)) || 1, 1), state().most);
    const wished = spinners.map((spinner) => Number(spinner.value));
    if (String(wished) !== String(asked)) act("supercell", asked = wished);
  };
  let asked = state().cells;
  // JupyterLab takes Enter for itself, so that no change event comes of it
  const spinners = ["a", "b", "c"].map((axis) => el("input", { type: "number", min: 1, step: 1,
    "aria-label": `Cells along ${axis}`, title: `Cells along ${axis}`, onchange: repeat,
    onkeydown: (event) => { if (event.key === "Enter") repeat(event); } }));
  const fit = el("button", { type: "button", class: "xc-toggle xc-fit", title: "Fit the crystal into the view",
    onclick: () => act("fit") }, "Fit");
  const bar = el("div", { class: "xc-bar xc-structure-controls" },
    el("label", { class: "xc-attribution" }, el("span", {}, "Atoms by"), target), shown,
    el("span", { class: "xc-supercell", role: "group", "aria-label": "Supercell" },
      el("span", {}, "Cells"), spinners[0], "×", spinners[1], "×", spinners[2]), cell, boundary, bonds, fit);

  const pictures = el("div", { class: "xc-pictures" });
  const match = el("div", { class: "xc-match", role: "status" });
  const note = el("div", { class: "xc-note", role: "status" });
  const legend = el("div", { class: "xc-legend" });
  const atoms = el("select", { "aria-label": "Atoms of the crystal", onchange: (event) =>
    act("pick", event.target.value ? event.target.value.split(" ").map(Number) : null) });
  const facts = el("div", { class: "xc-atom-facts", "aria-live": "polite" });
  const below = el("div", { class: "xc-structure-below" }, match, note, legend,
    el("label", { class: "xc-atoms" }, el("span", {}, "Atom"), atoms), facts);
  root.append(bar, pictures, below);

  const options = (node, choices, value) => {
    show(node, choices, () => choices.map(([name, label]) => el("option", { value: name }, label)));
    if (node.value !== value) node.value = value;
  };
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  function draw() {
    const now = state();
    options(target, now.targets, now.target);
    shown.hidden = !now.shown.length;
    show(shown, now.shown, () => now.shown.map(([name, label]) => el("button", { type: "button", class: "xc-toggle",
      "data-name": name, onclick: () => act("show", name) }, label)));
    for (const button of shown.children) press(button, button.dataset.name === now.which);
    press(cell, now.conventional);
    press(boundary, now.boundary);
    press(bonds, now.bonds);
    // a number that is being typed stays until the cells change
    if (spinners.some((spinner, k) => spinner.dataset.cells !== String(now.cells[k]))) asked = now.cells;
    spinners.forEach((spinner, k) => {
      if (spinner.max !== String(now.most)) spinner.max = now.most;
      if (spinner.dataset.cells !== String(now.cells[k])) spinner.value = spinner.dataset.cells = now.cells[k];
    });
    match.textContent = now.match;
    note.textContent = now.note;
    show(legend, [now.legend, now.scale], () => now.scale ? scale(now.scale) : now.legend.map(([symbol, color]) =>
      el("span", { class: "xc-chip" }, el("i", { style: `background:${color}` }), symbol)));

    const several = now.sides.length > 1;
    const choices = [["", "none picked"]];
    now.orbits.forEach((orbits, side) => orbits.forEach(({ atom, label }) =>
      choices.push([`${side} ${atom}`, several ? `${side + 1}: ${label}` : label])));
    const picked = now.picked ? now.picked.join(" ") : "";
    // an atom that was clicked need not be the first of its orbit
    if (picked && !choices.some(([value]) => value === picked)) choices.push([picked, `${now.symbol}, as clicked`]);
    options(atoms, choices, picked);
    facts.hidden = !now.facts.length;
    show(facts, now.facts, () => el("dl", {}, now.facts.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])));

    root.closest(".xc-structure")?.classList.toggle("xc-flat", flat);
    show(pictures, now.pictures, () => now.pictures.map(([caption, source]) => el("figure", {},
      el("img", { src: source, alt: caption || "The crystal, drawn without WebGL" }), el("figcaption", {}, caption))));
  }

  const scale = ({ low, high, colors, text, note: small }) => [
    el("span", { class: "xc-scale" }, el("b", {}, low), el("i", { style: `background:${colors}` }), el("b", {}, high), text),
    el("span", { class: "xc-scale-note" }, small)];

  let flat = false;
  draw();
  model.on("change:state", draw);
  // whether there is WebGL is only tried where nothing was drawn: a context more would delay the first picture
  const late = setTimeout(() => {
    flat = !root.closest(".xc-structure")?.querySelector("[data-drawn]") && !hasWebGL();
    if (!flat) return;
    draw();
    if (!state().pictures.length) act("flat");
  }, 2500);
  return () => { clearTimeout(late); model.off("change:state", draw); };
}

// A browser has few contexts: the one that is tried is given back at once.
function hasWebGL() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}
export default { render };
