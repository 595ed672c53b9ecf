// Badges, the table of numbers, the decoder's runners-up, and the nearest known crystals.
const LOOKS = { b: "b", sub: "sub", sup: "sup", small: "small" };

// Pieces of text, each with its look, as nodes.
function written(parts) {
  return parts.map(([look, text]) => {
    if (!look) return text;
    return LOOKS[look] ? el(LOOKS[look], {}, text) : el("span", { class: `xc-${look}` }, text);
  });
}

// What takes the focus away from a node that is drawn anew puts it on another one.
function keepFocus(container, fallback, draw) {
  const had = container.contains(document.activeElement);
  draw();
  if (had && !container.contains(document.activeElement)) fallback()?.focus();
}

function render({ model, el: root }) {
  const warning = el("div", { class: "xc-warning", role: "note" });
  const badges = el("ul", { class: "xc-badges", "aria-label": "Verdicts" });
  const table = el("table", { class: "xc-facts" });
  const body = el("tbody");
  table.append(body);
  const summary = el("span"), sure = el("span");
  const handle = el("summary", {}, el("span", { class: "xc-heading" }, "How sure the decoder was"), sure, " ", summary);
  const runners = el("div", { class: "xc-runners" });
  const certainty = el("details", { class: "xc-certainty" }, handle, runners);
  const nearby = el("div", { class: "xc-heading" }), near = el("div", { class: "xc-neighbour-row" });
  const pictures = new Map();
  const buttons = [];
  root.append(
    el("div", { class: "xc-judgement" }, warning, badges, table, certainty),
    el("section", { class: "xc-neighbours", "aria-label": "Nearest known crystals" }, nearby, near));

  const drawBadge = (badge, explain) => {
    const button = el("button", { type: "button", class: `xc-badge xc-badge-${badge.look}`, title: badge.help },
      el("span", { class: "xc-badge-icon", "aria-hidden": "true" }, badge.icon), badge.words);
    const [, text] = explained(button, badge.words, el("p", {}, badge.help),
      explain && el("p", {}, explain.text), explain && el("p", { class: "xc-term-kind" }, TERM_KINDS[explain.kind]));
    button.setAttribute("aria-describedby", text.id);
    return el("li", {}, button, text);
  };
  const drawNeighbour = (button, { row, formula, id, distance }) => {
    const picture = pictures.get(String(row));
    show(button, [row, formula, id, distance, Boolean(picture)], () => [
      picture ? el("img", { src: picture, alt: "", width: 56, height: 56 }) : el("span", { class: "xc-no-picture" }),
      el("span", { class: "xc-neighbour-name" }, withSubscripts(formula)),
      el("span", { class: "xc-neighbour-distance" }, distance)]);
    button.title = `${formula}, ${id}, distance ${distance} in latent space`;
    button.setAttribute("aria-label", `Go to ${formula}, ${id}, at a distance of ${distance}`);
  };

  let asked = "";
  const draw = () => {
    const state = model.get("state"), { terms, headings } = state;
    show(warning, state.warning, () => (state.warning ? [el("span", { "aria-hidden": "true" }, "⚠ "), state.warning] : []));
    keepFocus(badges, () => badges.querySelector("button"), () =>
      show(badges, [state.badges, state.beginner], () =>
        state.badges.map((badge) => drawBadge(badge, terms[headings[badge.name]]))));
    // rows stay, so that an open explanation does
    const names = state.rows.map((row) => row.name);
    show(body, [names, state.beginner], () => state.rows.map((row) =>
      el("tr", {}, el("th", { scope: "row" }, row.name, term(terms, row.term)), el("td"))));
    state.rows.forEach((row, k) => show(body.children[k].lastChild, row.parts, () => written(row.parts)));

    certainty.hidden = !state.certainty;
    if (state.certainty) {
      summary.textContent = state.certainty.summary;
      show(sure, state.beginner, () => term(terms, headings.certainty));
      keepFocus(runners, () => handle, () => show(runners, state.certainty.alternatives, () =>
        drawRunners(state.certainty.alternatives)));
    }
    show(nearby, state.beginner, () => ["Nearest known crystals", term(terms, headings.neighbours)]);
    while (buttons.length < state.neighbours.length) {
      const k = buttons.length;
      buttons.push(el("button", { type: "button", class: "xc-neighbour",
        onclick: () => model.send({ act: "neighbour", row: model.get("state").neighbours[k].row }) }));
      near.append(buttons[k]);
    }
    buttons.forEach((button, k) => {
      button.hidden = k >= state.neighbours.length;
      if (!button.hidden) drawNeighbour(button, state.neighbours[k]);
    });
    const missing = state.neighbours.map((n) => n.row).filter((row) => !pictures.has(String(row)));
    if (state.resting && started && missing.length && String(missing) !== asked) {
      asked = String(missing);
      model.send({ act: "thumbnails", rows: missing });
    }
  };
  const drawRunners = (alternatives) => {
    if (!alternatives.length) return [el("p", {}, "No other space group or element had a probability of 0.1 % or more.")];
    return [el("p", {}, "Runners-up; a click shows what becomes of the crystal:"),
      el("div", { class: "xc-runner-row" }, alternatives.map(({ kind, value, orbit, parts, p }) =>
        el("button", { type: "button", class: "xc-button xc-runner", onclick: () =>
          model.send({ act: "alternative", kind, value, orbit }) }, written(parts), el("small", {}, ` ${p}`))))];
  };
  const heard = (message) => {
    if (message?.type !== "thumbnails") return;
    for (const [row, text] of Object.entries(message.pictures)) {
      // an image cannot run scripts, whatever is in it
      pictures.set(row, `data:image/svg+xml,${encodeURIComponent(text)}`);
    }
    while (pictures.size > 200) pictures.delete(pictures.keys().next().value);
    draw();
  };
  model.on("change:state", draw);
  model.on("msg:custom", heard);
  let started = false;
  draw();
  const cancel = whenDrawn(root, () => { started = true; model.send({ act: "judge" }); draw(); });
  return () => {
    cancel();
    model.off("change:state", draw);
    model.off("msg:custom", heard);
  };
}

export default { render };
