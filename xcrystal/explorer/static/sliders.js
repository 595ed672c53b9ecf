// Sliders along axes of latent space. A slider that is in the hand is never set from outside; the others follow at rest.
const FIRST = 8;  // sliders that are shown before "More"

function render({ model, el: root }) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");  // keys are for this panel, not for the notebook around it
  root.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });
  const group = `xc-family-${Math.random().toString(36).slice(2)}`;
  const families = el("div", { class: "xc-families", role: "radiogroup", "aria-label": "What the sliders move along" });
  const undo = el("button", { class: "xc-button xc-undo", type: "button", title: "Back to the crystal that the sliders were moved from",
    onclick: () => model.send({ act: "undo" }) }, el("i", { class: "fa fa-undo", "aria-hidden": "true" }), el("span", {}, "Undo moves"));
  const about = el("p", { class: "xc-about" });
  const grid = el("div", { class: "xc-grid" });
  const more = el("button", { class: "xc-button xc-more", type: "button", onclick: () => { all = !all; draw(); } });
  const number = el("input", { type: "number", min: 0, step: 1, "aria-label": "Number of a latent dimension", placeholder: "number",
    onkeydown: (event) => { if (event.key === "Enter") add(); } });
  const add = () => { if (number.value !== "") { model.send({ act: "latent", number: Number(number.value) }); number.value = ""; } };
  const latent = el("div", { class: "xc-latent" }, el("label", {}, "Another number of the latent vector: ", number),
    el("button", { class: "xc-button", type: "button", onclick: add }, "Add"));
  root.append(el("div", { class: "xc-bar" }, families, undo), about, grid, el("div", { class: "xc-foot" }, more, latent));

  let all = false, held = null, asked = null;
  const rows = new Map(), senders = new Map(), unsent = new Set();
  const written = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
  const send = (row, value) => {
    const { name } = row;
    if (!senders.has(name)) {
      senders.set(name, latest(model, (wanted) => {
        unsent.delete(name);
        asked = model.get("state").answered;
        model.send({ act: row.stops ? "stop at" : "move", key: name, axis: name, value: wanted });
      }));
    }
    unsent.add(name);
    senders.get(name)(value);
  };
  const say = (row, value) => {
    // a stop is named by the property of its crystal
    const text = row.stops ? row.stops[value - row.least] ?? "" : written(value);
    if (row.readout.textContent !== text) row.readout.textContent = text;
    row.input.setAttribute("aria-valuetext", row.stops ? text : `${value.toFixed(2)} standard deviations`);
  };
  const moved = (row, value) => { say(row, value); send(row, value); };

  const make = (axis, k) => {
    const row = { name: axis.name };
    const id = `${group}-${k}`;
    const back = () => { row.input.value = row.base; moved(row, row.base); };
    row.label = el("label", { for: id });
    row.note = el("span", { class: "xc-note" });
    row.readout = el("output", { class: "xc-readout", for: id });
    row.input = el("input", { type: "range", id, class: `xc-slider xc-slider-${k}`, "data-axis": k,
      oninput: () => { held = row; moved(row, Number(row.input.value)); },
      onchange: () => { held = null; },
      onpointerdown: () => { held = row; },
      onpointerup: () => { held = null; },
      onpointercancel: () => { held = null; },
      onblur: () => { if (held === row) held = null; },
      ondblclick: back,
      // arrows belong to the slider, not to the notebook around it
      onkeydown: (event) => {
        if (event.key === "0") { back(); event.preventDefault(); }
        if (event.key !== "Tab") event.stopPropagation();
      } });
    row.achieved = el("div", { class: "xc-achieved", "aria-live": "polite" });
    row.remove = el("button", { class: "xc-button xc-remove", type: "button", "aria-label": `Remove ${axis.name}`, title: "Remove this direction",
      onclick: () => model.send({ act: "remove", key: row.name, name: row.name }) }, "×");
    row.node = el("div", { class: "xc-axis" },
      el("div", { class: "xc-axis-head" }, row.label, row.note, row.readout, row.remove), row.input, row.achieved);
    return row;
  };

  const draw = () => {
    const state = model.get("state");
    show(families, state.families, () => state.families.map(([name, title, words]) => el("label", { class: "xc-family", title: words },
      el("input", { type: "radio", name: group, value: name, onchange: () => model.send({ act: "family", family: name }) }),
      el("span", {}, title))));
    for (const radio of families.querySelectorAll("input")) radio.checked = radio.value === state.family;
    const words = state.families.find(([name]) => name === state.family)[2];
    const empty = state.axes.length ? "" : state.family === "concept"
      ? " None yet: find or circle crystals, and make a direction of them under Find." : " There are none here.";
    const unit = state.axes.some((axis) => axis.stops) ? "" : ", in standard deviations";
    about.textContent = `${words}${unit}. Double click or 0 puts one back.${empty}`;
    undo.disabled = !state.moved;
    const shown = all ? state.axes : state.axes.slice(0, state.family === "latent" ? undefined : FIRST);
    show(grid, [state.family, shown.map((axis) => axis.name)], () => {
      rows.clear();
      held = null;
      return shown.map((axis, k) => { const row = make(axis, k); rows.set(axis.name, row); return row.node; });
    });
    grid.dataset.family = state.family;
    more.hidden = state.family === "latent" || state.axes.length <= FIRST;
    more.textContent = all ? "Fewer" : `All ${state.axes.length}`;
    more.setAttribute("aria-expanded", String(all));
    latent.hidden = state.family !== "latent";
    number.max = state.latents - 1;
    // a slider must not jump back to what the kernel knows while it has yet to hear what the hand did
    const waits = unsent.size > 0 || (asked !== null && asked === state.answered);
    for (const axis of shown) {
      const row = rows.get(axis.name);
      row.base = axis.base;
      row.label.textContent = axis.name;
      row.note.textContent = axis.note;
      row.note.title = axis.note;
      row.remove.hidden = !axis.removable;
      if (row.achieved.textContent !== axis.achieved) row.achieved.textContent = axis.achieved;
      // neither its ends nor its stops change under the hand
      const range = JSON.stringify([axis.least, axis.most, axis.step, axis.stops]);
      const ranged = row.range !== range && (!row.range || (!waits && held !== row));
      if (ranged) {
        Object.assign(row.input, { min: axis.least, max: axis.most, step: axis.step, disabled: axis.least === axis.most });
        Object.assign(row, { range, least: axis.least, stops: axis.stops });
      }
      if (ranged || (state.rest && !waits && held !== row)) {
        row.input.value = axis.value;
        say(row, axis.value);
      }
    }
  };
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}
export default { render };
