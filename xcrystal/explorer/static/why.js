// Why: controls, signed bars that are linked with the atoms of the structure, and how far all of it can be trusted.
// Atoms and bars light each other up by events of the explorer's own element: "xc-light" with the atoms that a bar is
// of, and "xc-hover" with the atom that the mouse is over. Nothing of that goes through the kernel.
const SIGNS = { good: "✓", bad: "!", note: "?", waiting: "…" };
const SAID = { good: "good", bad: "take care", note: "not known well", waiting: "being computed" };

function render({ model, el: root }) {
  ownKeys(root);
  const state = () => model.get("state");
  const pick = (name, label, title) => el("select", { class: `xc-why-${name}`, "aria-label": label, title,
    onchange: () => send(name) });
  const target = pick("target", "What to explain", "What to explain");
  const number = el("input", { type: "number", class: "xc-why-number", min: 0, step: 1, value: 0,
    "aria-label": "Number of the latent dimension", onchange: () => send("target"),
    // JupyterLab takes Enter for itself, so that no change event comes of it
    onkeydown: (event) => { if (event.key === "Enter") send("target"); } });
  const method = pick("method", "Method of attribution", "How the scores are computed");
  const level = pick("level", "Level", "What gets a score each, and is moved from its baseline");
  const baseline = pick("baseline", "Baseline", "What the crystal is compared with");
  const control = (text, about, ...inputs) => el("div", { class: "xc-why-control" },
    el("span", { class: "xc-why-name" }, text, el("span", { class: "xc-why-about", "data-term": about })), ...inputs);
  const how = el("div", { class: "xc-why-how" }, control("Method", "attribution", method), control("Level", "", level),
    control("Baseline", "baseline", baseline));
  const said = el("p", { class: "xc-why-said", role: "status" });
  const trouble = el("p", { class: "xc-why-trouble", role: "alert" });
  const list = el("div", { class: "xc-why-bars", role: "group" });
  const below = el("div", { class: "xc-why-below" });
  const compare = el("button", { type: "button", class: "xc-button xc-why-compare", "aria-pressed": "false",
    title: "Mark beside each bar what it would be from the other baselines",
    onclick: () => model.send({ act: "compare", value: !state().comparing }) }, "Compare all baselines");
  const trust = el("ul", { class: "xc-trust", "aria-label": "How far this can be trusted" });
  root.append(control("Explain", "", target, number), how, said, trouble, list, below, compare, trust);

  function send() {
    const wished = target.value === "latent" ? `latent ${Math.max(0, Math.round(Number(number.value)) || 0)}` : target.value;
    const message = { act: "why", target: wished, method: method.value, level: level.value, baseline: baseline.value };
    const text = JSON.stringify(message);
    number.hidden = target.value !== "latent";
    if (text === send.last) return;
    send.last = text;
    model.send(message);
  }

  // -- linked with the structure

  const explorer = () => root.closest(".xc-explorer");
  let lighting = "";
  const light = (atoms) => {
    const text = String(atoms);
    if (text === lighting) return;
    lighting = text;
    explorer()?.dispatchEvent(new CustomEvent("xc-light", { detail: atoms }));
  };
  const lights = (node, atoms) => {
    node.xcAtoms = atoms;
    for (const event of ["pointerenter", "focus"]) node.addEventListener(event, () => light(atoms));
    node.addEventListener("pointerleave", () => light(list.contains(document.activeElement) ? document.activeElement.xcAtoms ?? [] : []));
    node.addEventListener("blur", () => light([]));
    return node;
  };
  const hovered = (event) => {
    for (const row of list.querySelectorAll("[data-row]")) {
      const on = event.detail !== null && (row.xcAtoms ?? []).includes(event.detail);
      row.classList.toggle("xc-lit", on);
      if (on) list.scrollTop += Math.min(0, row.offsetTop - list.scrollTop) + Math.max(0, row.offsetTop + row.offsetHeight - list.scrollTop - list.clientHeight);
    }
  };
  let listening = null;
  const listen = () => {
    if (listen.ended || listening) return;
    listening = explorer();
    if (listening) listening.addEventListener("xc-hover", hovered); else requestAnimationFrame(listen);
  };
  listen();

  // one stop for the tab key; arrows go from bar to bar
  list.addEventListener("keydown", (event) => {
    const rows = [...list.querySelectorAll("[data-row]")], k = rows.indexOf(document.activeElement);
    const to = { ArrowDown: k + 1, ArrowUp: k - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (k < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = rows[Math.max(0, Math.min(to, rows.length - 1))];
    rows.forEach((row) => { row.tabIndex = row === next ? 0 : -1; });
    next.focus();
  });

  // -- drawing

  const place = (value, span) => 50 + 50 * Math.max(-1, Math.min(value / span, 1));
  const MARKS = ["M0 0v16", "M0 0v16M-2 8h4", "M0 0v5M0 11v5"];  // ticks are told apart by their shape, too
  const bar = (row, k, { span, unit }) => {
    const zero = place(0, span), end = place(row.value, span);
    const ticks = row.ticks.map(([name, value], n) => value === null ? null : svg("svg", { class: "xc-why-tick", viewBox: "-3 0 6 16",
      style: `left:${place(value, span)}%` }, svg("path", { d: MARKS[n % MARKS.length] }), svg("title", {}, `${name}: ${row.ticks[n][2]}`)));
    const others = row.ticks.map(([name, , text]) => `; ${name} ${text}`).join("");
    return lights(el("div", { class: "xc-why-row", "data-row": k, tabindex: k ? -1 : 0, role: "img",
      "aria-label": `${row.label}: ${row.text} ${unit}${others}` },
      el("span", { class: "xc-why-label", title: row.label }, row.label),
      el("span", { class: "xc-why-track" },
        el("i", { class: "xc-why-bar", style: `left:${Math.min(zero, end)}%;width:${Math.abs(end - zero)}%;background:${row.color}` }),
        el("i", { class: "xc-why-zero" }), ticks),
      el("span", { class: "xc-why-value" }, row.text)), row.atoms);
  };

  const table = ({ names, atoms, cells }, unit) => el("table", { class: "xc-why-matrix" },
    el("thead", {}, el("tr", {}, el("td", {}), names.map((name, k) => el("th", { scope: "col", title: name }, `${k + 1}`)))),
    el("tbody", {}, cells.map((row, i) => el("tr", {}, el("th", { scope: "row" }, `${i + 1}. ${names[i]}`),
      row.map((cell, j) => lights(el("td", { "data-row": i * names.length + j, tabindex: i || j ? -1 : 0,
        style: `background:${cell.color};color:${cell.ink}`,
        "aria-label": i === j ? `${names[i]} by itself: ${cell.text} ${unit}` : `${names[i]} with ${names[j]}: ${cell.text} ${unit}` },
      cell.text), i === j ? atoms[i] : [...atoms[i], ...atoms[j]]))))));

  const scale = ({ low, high }, { scale: colors, unit, unsigned }) => el("div", { class: "xc-why-scale" },
    el("b", {}, low), el("i", { style: `background:${colors}` }), el("b", {}, high),
    ` ${unit || "no unit"}${unsigned ? "" : "; red raises it, blue lowers it"}`);

  const options = (node, choices, value) => {
    show(node, choices, () => choices.map(([name, label]) => el("option", { value: name }, label)));
    if (node.value !== value) node.value = value;
  };

  function draw() {
    const now = state(), found = now.explained, latent = now.target.startsWith("latent ");
    show(target, now.targets, () => now.targets.map(([name, choices]) => {
      const made = choices.map(([value, label]) => el("option", { value }, label));
      return name ? el("optgroup", { label: name }, made) : made;
    }));
    const chosen = latent ? "latent" : now.target;
    if (target.value !== chosen) target.value = chosen;
    number.hidden = !latent;
    if (latent && document.activeElement !== number) number.value = now.target.slice(7);
    options(method, now.methods, now.method);
    options(level, now.levels, now.level);
    options(baseline, now.baselines, now.baseline);
    send.last = JSON.stringify({ act: "why", target: now.target, method: now.method, level: now.level, baseline: now.baseline });
    how.hidden = !now.target;
    how.querySelector(".xc-why-about").dataset.term = now.about;
    for (const about of root.querySelectorAll(".xc-why-about[data-term]"))
      show(about, now.terms[about.dataset.term] ?? null, () => term(now.terms, about.dataset.term));
    trouble.textContent = now.trouble;
    root.classList.toggle("xc-why-old", now.waiting);
    if (now.waiting) {  // the old bars stay, faded, until the hand rests
      said.textContent = "Explained when the hand rests.";
      light([]);
      return;
    }
    said.textContent = found ? found.said : now.target ? "" : "Choose what to explain: each part of the crystal then gets a "
      + "share of the difference between this crystal and a neutral one.";
    list.hidden = trust.hidden = below.hidden = !found;
    compare.hidden = !found?.comparable;
    compare.setAttribute("aria-pressed", String(now.comparing));
    if (!found) { light([]); return; }
    const unit = found.unit;
    list.setAttribute("aria-label", `Scores, ${unit || "without a unit"}; arrow keys go from one to the next`);
    show(list, [found.bars, found.matrix], () => {
      light([]);
      return found.bars ? found.bars.rows.map((row, k) => bar(row, k, { span: found.bars.span, unit })) : table(found.matrix, unit);
    });
    show(below, [found.bars?.low, found.matrix?.low, found.ticks, unit, found.unsigned, found.bars?.left_out], () => [
      scale(found.bars ?? found.matrix, found),
      found.bars?.left_out ? el("div", {}, `The ${found.bars.rows.length} largest; ${found.bars.left_out} smaller ones are left out.`) : null,
      found.ticks.length ? el("div", { class: "xc-why-ticks" }, found.ticks.map((name, n) => el("span", {},
        svg("svg", { class: "xc-why-tick", viewBox: "-3 0 6 16" }, svg("path", { d: MARKS[n % MARKS.length] })), ` ${name}`))) : null]);
    show(trust, [found.trust, now.terms], () => found.trust.map(({ name, verdict, term: about, text }) =>
      el("li", { class: `xc-trust-${verdict}`, "data-part": name },
        el("b", { class: "xc-trust-sign", role: "img", "aria-label": SAID[verdict] }, SIGNS[verdict]),
        el("span", {}, text, term(now.terms, about)))));
  }

  const visible = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    visible.disconnect();
    model.send({ act: "seen" });
  });
  visible.observe(root);
  draw();
  model.on("change:state", draw);
  return () => {
    listen.ended = true;
    listening?.removeEventListener("xc-hover", hovered);
    visible.disconnect();
    model.off("change:state", draw);
  };
}
export default { render };
