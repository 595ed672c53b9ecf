// Finding crystals: a search, a table of what is picked, and directions made between groups of it.
function render({ model, el: root }) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");  // keys are for this panel, not for the notebook around it
  root.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });
  const query = el("input", { type: "search", class: "xc-query", placeholder: "SrTiO3, Ti O, band gap > 2, cubic, mp-5986 …",
    "aria-label": "Find crystals of the map by formula, elements, space group, properties or id; press Enter",
    onkeydown: (event) => { event.stopPropagation(); if (event.key === "Enter") seek(query.value); } });
  const seek = (text) => { if (text.trim()) model.send({ act: "search", query: text }); };
  const find = button("Find", "Find these crystals", () => seek(query.value));
  const chips = el("div", { class: "xc-chips", role: "group", "aria-label": "Examples" });
  const trouble = el("div", { class: "xc-trouble", role: "status", "aria-live": "polite" });
  const heading = el("div", { class: "xc-found", role: "status", "aria-live": "polite" });
  const csv = button("Download CSV", "Download the table of all crystals that are picked", () => model.send({ act: "csv" }));
  const clear = button("Clear", "Pick nothing", () => model.send({ act: "clear" }));
  const keep = ["A", "B"].map((letter, k) => button(`Keep as ${letter}`,
    `Keep what is picked as group ${letter} of a direction`, () => model.send({ act: "keep", key: k, group: k }), `xc-keep-${letter}`));
  const table = el("table", { class: "xc-results", "aria-label": "Crystals that are picked" });
  const groups = el("div", { class: "xc-groups" });
  const name = el("input", { type: "text", class: "xc-concept-name", placeholder: "name (if you like)", maxlength: 80,
    "aria-label": "Name of the direction",
    onkeydown: (event) => { event.stopPropagation(); if (event.key === "Enter" && !make.disabled) make.click(); } });
  const make = button("Make a direction", "A direction from group B, or from all others, to group A; it becomes a slider",
    () => { model.send({ act: "concept", name: name.value }); name.value = ""; }, "xc-make-direction");
  const concepts = el("ul", { class: "xc-concepts" });
  root.append(el("div", { class: "xc-seek", role: "search" }, query, find), chips, trouble,
    el("div", { class: "xc-found-bar" }, heading, el("span", { class: "xc-found-acts" }, ...keep, csv, clear)),
    el("div", { class: "xc-scroll", tabindex: "-1" }, table),
    el("div", { class: "xc-between" }, groups, el("div", { class: "xc-making" }, name, make), concepts));

  function button(text, title, onclick, extra = "") {
    return el("button", { class: `xc-button ${extra}`, type: "button", title, onclick }, text);
  }

  const draw = () => {
    const state = model.get("state");
    show(chips, state.examples, () => state.examples.map((text) => el("button", { class: "xc-chip-button", type: "button",
      onclick: () => { query.value = text; seek(text); } }, text)));
    if (trouble.textContent !== state.trouble) trouble.textContent = state.trouble;
    const some = state.count > 0;
    show(heading, [state.count, state.title, state.understood], () => some
      ? [el("b", {}, `${state.count.toLocaleString("en")} crystal${state.count === 1 ? "" : "s"}`), `: ${state.title}`,
        state.understood && state.understood !== state.title ? el("span", { class: "xc-understood" }, `, read as ${state.understood}`) : null,
        state.count > state.rows.length ? el("span", { class: "xc-understood" }, `; the first ${state.rows.length} below`) : null]
      : [`Nothing is picked of ${state.of.toLocaleString("en")} crystals. Search, or draw around some on the map.`]);
    for (const node of [...keep, csv, clear]) node.disabled = !some;
    table.hidden = !some;
    show(table, [state.columns, state.rows], () => [
      el("thead", {}, el("tr", {}, ["Formula", "Material", "Space group"].map((text) => el("th", { scope: "col" }, text)),
        state.columns.map(([text, words]) => el("th", { scope: "col", title: words, class: "xc-number" }, text)))),
      el("tbody", {}, state.rows.map(([row, formula, id, group, ...numbers]) => el("tr",
        { "data-row": row, onclick: () => model.send({ act: "go", row }) },
        el("td", {}, el("button", { class: "xc-link", type: "button", title: `Go to ${id}` }, withSubscripts(formula))),
        el("td", {}, id), el("td", {}, group), numbers.map((text) => el("td", { class: "xc-number" }, text)))))]);
    show(groups, state.groups, () => state.groups.map((group, k) => el("span", { class: "xc-group" }, el("b", {}, "AB"[k]), ": ",
      group ? `${group[0]} (${group[1].toLocaleString("en")}) ` : k ? "all others " : "nothing kept yet ",
      group ? el("button", { class: "xc-button xc-remove", type: "button", "aria-label": `Forget group ${"AB"[k]}`, title: "Forget this group",
        onclick: () => model.send({ act: "drop", key: k, group: k }) }, "×") : null)));
    make.disabled = !state.groups[0] && !some;
    show(concepts, state.concepts, () => state.concepts.map(([title, note]) => el("li", {}, el("b", {}, title), " ",
      el("span", { class: "xc-understood" }, note), " ",
      el("button", { class: "xc-button xc-remove", type: "button", "aria-label": `Remove ${title}`, title: "Remove this direction",
        onclick: () => model.send({ act: "remove", key: title, name: title }) }, "×"))));
  };
  model.on("change:state", draw);
  const ended = takeDownloads(model);
  draw();
  return () => { model.off("change:state", draw); ended(); };
}
export default { render };
