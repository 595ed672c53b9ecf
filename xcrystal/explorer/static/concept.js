// Groups of crystals explained: bars of concepts, a periodic table of mean attributions, a table of known neighbours.
const TESTING = "Testing concepts", AVERAGING = "Explaining the selection";  // titles of what takes long

function render({ model, el: root }) {
  ownKeys(root);
  const state = () => model.get("state");
  const target = el("select", { class: "xc-concept-target", "aria-label": "Property that is explained",
    onchange: () => model.send({ act: "target", value: target.value }) });
  const ask = (wish, title) => el("button", { class: `xc-button xc-ask-${wish}`, type: "button",
    onclick: () => model.send({ act: state().progress?.[0] === title ? "stop" : wish }) });
  const test = ask("concepts", TESTING), average = ask("region", AVERAGING);
  const working = () => {
    const bar = el("progress", { max: "1", value: "0", "aria-label": "Progress" }), text = el("span");
    return { bar, text, box: el("div", { class: "xc-working" }, bar, text) };
  };
  const tested = working(), averaged = working();
  const asked = el("p", { class: "xc-concept-said", role: "status" });
  const bars = el("ul", { class: "xc-concept-bars", "aria-label": "TCAV scores of concepts" });
  const key = el("div", { class: "xc-soft xc-concept-key" });
  const howTo = el("p", { class: "xc-soft xc-concept-how" });
  const region = el("p", { class: "xc-concept-said xc-region-said", role: "status" });
  const table = el("div", { class: "xc-elements xc-heat", role: "group", "aria-label": "Mean share of one atom, by element; arrow keys move" });
  const about = el("div", { class: "xc-about-element", "aria-live": "polite" });
  const scale = el("div", { class: "xc-soft xc-concept-scale" });
  const near = el("p", { class: "xc-concept-said" });
  const rows = el("table", { class: "xc-near-known", "aria-label": "Known crystals near to this one" });
  const section = (title, ...children) => el("section", { class: "xc-concept-section", "aria-label": title }, el("div", { class: "xc-heading" }, title), children);
  root.append(
    el("label", { class: "xc-concept-of" }, "Predicted property ", target),
    section("Concepts",
      el("p", { class: "xc-soft" }, "TCAV asks: of how many crystals would the prediction rise with a small step towards the concept? "
        + "0 is none, 1 is all. It counts only if random groups of crystals do not do the same. Asked of what is picked, or else of crystals drawn at random."),
      test, tested.box, asked, bars, key),
    section("What each element does", average, howTo, averaged.box, region, table, about, scale),
    section("Known crystals that this prediction is near to", near, el("div", { class: "xc-near-scroll" }, rows)));

  const pattern = (share) => `${(100 * Math.max(0, Math.min(share, 1))).toFixed(2)}%`;
  const drawBars = (found) => {
    asked.hidden = bars.hidden = key.hidden = !found;
    if (!found) return;
    asked.textContent = found.said;
    show(bars, found.rows, () => found.rows.map((row) => el("li", { class: row.significant ? "xc-significant" : "xc-insignificant" },
      el("span", { class: "xc-concept-label" }, row.name, el("span", { class: "xc-soft" }, ` ${row.crystals}`)),
      el("span", { class: "xc-concept-track", role: "img",
        "aria-label": `TCAV score ${row.text}; random concepts ${row.random_text}` },
      el("i", { class: "xc-concept-bar", style: `width:${pattern(row.score)}` }),
      el("i", { class: "xc-concept-random", title: `Random concepts: ${row.random_text}`,
        style: `left:${pattern(row.random[0])};width:${pattern(row.random[1] - row.random[0])}` }),
      el("i", { class: "xc-concept-range", style: `left:${pattern(row.low)};width:${pattern(row.high - row.low)}` })),
      el("span", { class: "xc-concept-value" }, row.text),
      el("span", { class: "xc-concept-words" }, row.said))));
    show(key, [found.notes, found.rows.length], () => [
      found.rows.length ? el("div", {}, el("i", { class: "xc-swatch xc-swatch-sure" }), "significant ", el("i", { class: "xc-swatch xc-swatch-unsure" }), "not significant ",
        el("i", { class: "xc-swatch xc-swatch-random" }), "random concepts, mean ± standard deviation ", el("i", { class: "xc-swatch xc-swatch-range" }), "95 % of the runs") : null,
      found.notes.map((note) => el("div", {}, note))]);
  };

  // -- elements: those that occur can be reached, the others only show where they would be
  const cells = new Map();
  const drawTable = (found) => {
    region.hidden = table.hidden = about.hidden = scale.hidden = !found;
    if (!found) { cells.clear(); table.replaceChildren(); delete table.dataset.shows; return; }
    region.textContent = `${found.said}${found.old ? " Something else is picked now." : ""}`;
    show(table, found.elements, () => {
      const had = [...cells].find(([, node]) => node === document.activeElement)?.[0];
      if (had === undefined) about.textContent = "Point at an element, or go there by arrow keys.";
      cells.clear();
      const known = new Map(found.elements.map((one) => [one.z, one]));
      return Array.from({ length: 118 }, (_, k) => {
        const z = k + 1, one = known.get(z);
        if (!one) return z <= 103 ? el("span", { class: "xc-element xc-absent", "aria-hidden": "true", style: gridPlace(z) }, "\u00a0") : null;
        const say = () => { about.textContent = one.text; };
        const node = el("span", { class: "xc-element xc-scored", role: "img", tabindex: cells.size ? -1 : 0, "aria-label": one.text,
          style: `${gridPlace(z)};background:${one.color};color:${one.ink}`, onmouseenter: say, onfocus: say,
          onkeydown: (event) => walkElements(cells, event, z, true) }, one.symbol);
        cells.set(z, node);
        return node;
      });
    });
    show(scale, [found.low, found.high, found.unit, found.scale, found.note], () => [
      el("span", { class: "xc-concept-legend" }, el("b", {}, found.low), el("i", { style: `background:${found.scale}` }), el("b", {}, found.high),
        ` ${found.unit || "no unit"}; red raises it, blue lowers it, blank does not occur`),
      el("div", {}, found.note)]);
  };

  const drawNear = (found) => {
    root.classList.toggle("xc-near-old", !found);
    if (!found) return;  // what was last found stays, faded, until the hand rests
    near.textContent = found.said;
    const unit = found.unit ? `, ${found.unit}` : "";
    show(rows, found, () => [
      el("thead", {}, el("tr", {}, ["Crystal", "Material", "Distance", `Known${unit}`, `Predicted${unit}`].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, found.rows.map(([row, formula, id, ...numbers]) => el("tr", { onclick: () => model.send({ act: "go", row }) },
        el("td", {}, el("button", { class: "xc-link", type: "button", title: `Go to ${id}` }, withSubscripts(formula))),
        el("td", {}, id), numbers.map((text) => el("td", { class: "xc-number" }, text)))))]);
  };

  const draw = () => {
    const now = state(), { progress, picked } = now;
    show(target, now.targets, () => now.targets.map(([name, text]) => el("option", { value: name }, text)));
    if (target.value !== now.target) target.value = now.target;
    for (const [node, text, title, { bar, text: said, box }, ready] of [
      [test, "Test concepts", TESTING, tested, Boolean(now.target)], [average, "Elements over the selection", AVERAGING, averaged, Boolean(picked)]]) {
      const mine = progress?.[0] === title;
      node.textContent = mine ? "Stop" : text;
      node.disabled = !mine && (!ready || Boolean(progress));
      box.hidden = !mine;
      if (!mine) continue;
      bar.max = progress[3];
      bar.value = progress[2];
      said.textContent = `${progress[2]} of ${progress[3]}${progress[1] ? `, ${progress[1]}` : ""}`;
    }
    howTo.textContent = picked ? `${picked[0].toLocaleString("en")} crystal${picked[0] === 1 ? "" : "s"} picked: ${picked[1]}${picked[0] > 200 ? "; 200 of them are drawn" : ""}.`
      : "Pick crystals first: draw a lasso or a box around them on the map, or search in the tab Find.";
    drawBars(now.concepts);
    drawTable(now.region);
    drawNear(now.near);
  };
  // nothing is looked for while another tab is open
  const watch = new ResizeObserver(() => {
    const value = root.getClientRects().length > 0;
    if (value !== state().awake) model.send({ act: "awake", value });
  });
  watch.observe(root);
  model.on("change:state", draw);
  draw();
  return () => { watch.disconnect(); model.off("change:state", draw); };
}
export default { render };
