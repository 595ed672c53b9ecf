// The strip of pinned crystals: click to go there, drag one onto another for the path between them.
function render({ model, el: root }) {
  ownKeys(root);
  const entry = () => globalThis.xcrystalExplorers?.explorers?.get(model.get("uid"));
  const act = (name, details) => model.send({ act: name, ...details });
  const icon = (name) => el("i", { class: `fa fa-${name}`, "aria-hidden": "true" });
  const pin = el("button", { type: "button", class: "xc-button xc-pin", onclick: () => act("pin") },
    icon("thumb-tack"), el("span", {}, "Pin"));
  const hint = el("span", { class: "xc-pins-hint", role: "status", "aria-live": "polite" });
  const strip = el("ol", { class: "xc-pins-strip", "aria-label": "Pinned crystals" });
  root.append(el("div", { class: "xc-pins-top" }, pin, hint), strip);

  let from = null;  // the key of the pin that a path is to begin at
  let dragged = null;  // the key of the pin that is dragged
  const chips = new Map();
  const pins = () => model.get("pins");
  const named = (key) => pins().find((one) => one.key === key);

  const say = () => {
    const one = named(from), moving = named(dragged);
    if (one) show(hint, ["from", one.formula], () => ["Path from ", el("b", {}, withSubscripts(one.formula)),
      " to …: choose another pinned crystal, or press Escape"]);
    else if (moving && pins().length > 1) show(hint, ["drag"], () => "Drop it on another crystal for the path between them");
    else show(hint, ["rest", pins().length === 0], () => pins().length ? [] : "Keeps this crystal at hand");
    strip.classList.toggle("xc-choosing", Boolean(one));
    for (const [key, chip] of chips) chip.classList.toggle("xc-from", key === from);
  };
  const choose = (key) => { from = from === key ? null : key; say(); };
  const go = (key) => {
    if (from === null || from === key) { from = null; act("go", { key }); }
    else { act("interpolate", { from, to: key }); from = null; }
    say();
  };
  const unpin = (key) => {
    const near = chips.get(key)?.nextSibling ?? chips.get(key)?.previousSibling;
    (near?.querySelector(".xc-pinned") ?? pin).focus();
    act("unpin", { key });
  };
  const move = (key, to) => act("move", { key, to });

  // -- dragging: onto the middle of a pin for a path, onto its edge for another order

  const place = (event, chip) => {
    const box = chip.getBoundingClientRect(), at = (event.clientX - box.left) / box.width;
    if (dragged === null) return "on";
    return at < 0.2 ? "before" : at > 0.8 ? "after" : "on";
  };
  const mark = (chip, where) => {
    for (const other of chips.values()) {
      for (const name of ["on", "before", "after"]) other.classList.toggle(`xc-drop-${name}`, other === chip && name === where);
    }
  };
  const over = (event, chip, key) => {
    if (!event.dataTransfer?.types.includes(PIN_TYPE)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(dragged === key ? null : chip, place(event, chip));
  };
  const drop = (event, chip, key) => {
    if (!event.dataTransfer?.types.includes(PIN_TYPE)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(null);
    const given = read(event.dataTransfer.getData(PIN_TYPE));
    if (!given) return;
    if (given.explorer !== model.get("uid")) {
      const foreign = globalThis.xcrystalExplorers?.explorers?.get(given.explorer)?.pins.find((one) => one.key === given.key);
      if (foreign) act("interpolate", { from: foreign.structure, to: key });
      return;
    }
    if (given.key === key) return;
    const where = place(event, chip), order = pins().map((one) => one.key).filter((one) => one !== given.key);
    if (where === "on") act("interpolate", { from: given.key, to: key });
    else move(given.key, order.indexOf(key) + (where === "after" ? 1 : 0));
  };
  const read = (text) => {
    try {
      const { explorer, key } = JSON.parse(text);
      return typeof explorer === "string" && Number.isInteger(key) ? { explorer, key } : null;
    } catch { return null; }
  };

  const make = (one) => {
    const { key } = one, name = `${one.formula}, ${one.label}`;
    // Firefox drags nothing that begins in a button
    const main = el("div", { role: "button", tabindex: "0", class: "xc-pinned", "aria-label": `Go to ${name}`, onclick: () => go(key),
      title: `${name}\nDrag onto another one for the path between them; Alt+← and Alt+→ move it, Delete unpins it`,
      onkeydown: (event) => {
        const at = pins().findIndex((other) => other.key === key);
        if (event.key === "Enter" || event.key === " ") go(key);
        else if (event.key === "Delete" || event.key === "Backspace") unpin(key);
        else if (event.altKey && event.key === "ArrowLeft") move(key, Math.max(at - 1, 0));
        else if (event.altKey && event.key === "ArrowRight") move(key, at + 1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      } },
      // an image cannot run scripts
      el("img", { src: `data:image/svg+xml,${encodeURIComponent(one.picture)}`, alt: "", width: 64, height: 64, draggable: "false" }),
      el("span", { class: "xc-pin-formula" }, withSubscripts(one.formula)),
      el("span", { class: "xc-pin-group" }, withSymbol(one.symbol)));
    const small = (css, text, title, onclick) => el("button", { type: "button", class: `xc-pin-small ${css}`, title,
      "aria-label": title, onclick }, icon(text));
    const chip = el("li", { draggable: "true", class: "xc-pin-chip",
      ondragstart: (event) => {
        dragged = key;
        event.dataTransfer.setData(PIN_TYPE, JSON.stringify({ explorer: model.get("uid"), key }));
        event.dataTransfer.effectAllowed = "copyMove";
        chip.classList.add("xc-dragged");
        event.stopPropagation();
        say();
      },
      ondragend: () => { dragged = null; chip.classList.remove("xc-dragged"); mark(null); say(); },
      ondragover: (event) => over(event, chip, key),
      ondragleave: (event) => { if (!chip.contains(event.relatedTarget)) mark(null); },
      ondrop: (event) => drop(event, chip, key) },
      main,
      small("xc-pin-path", "long-arrow-right", `Path from ${one.formula} to another pinned crystal`, () => choose(key)),
      small("xc-pin-remove", "times", `Unpin ${one.formula}`, () => unpin(key)));
    return chip;
  };

  const draw = () => {
    const state = model.get("state"), kept = new Set(pins().map((one) => one.key));
    if (from !== null && !kept.has(from)) from = null;
    for (const key of [...chips.keys()]) if (!kept.has(key)) chips.delete(key);
    const focused = strip.contains(document.activeElement) ? document.activeElement : null;
    const nodes = pins().map((one) => {
      if (!chips.has(one.key)) chips.set(one.key, make(one));
      return chips.get(one.key);
    });
    nodes.forEach((node, k) => { if (strip.children[k] !== node) strip.insertBefore(node, strip.children[k] ?? null); });
    while (strip.children.length > nodes.length) strip.lastChild.remove();
    if (focused?.isConnected) focused.focus();  // a node that is moved loses it
    for (const [key, chip] of chips) {
      if (key === state.shown) chip.firstChild.setAttribute("aria-current", "true");
      else chip.firstChild.removeAttribute("aria-current");
    }
    pin.title = state.full ? `At most ${state.most} crystals can be pinned` : `Pin ${state.formula} to keep it at hand (P)`;
    pin.setAttribute("aria-label", pin.title);
    say();
  };

  // letters belong to what is typed into, and to what has keys of its own, such as the map
  const typing = (node) => node.closest?.("textarea, select, [contenteditable='true'], [role='application'], input:not([type=range], [type=checkbox], [type=radio], [type=button])");
  const pressed = (event) => {
    const explorer = root.closest(".xc-explorer");
    if (!explorer?.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && from !== null) { from = null; say(); }
    else if (event.key.toLowerCase() === "p" && !typing(event.target) && !model.get("state").hidden) act("pin");
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", pressed, true);
  const listed = () => entry()?.roots.add(root);
  globalThis.xcrystalExplorers?.addEventListener?.("change", listed);
  listed();
  model.on("change:pins", draw);
  model.on("change:state", draw);
  draw();
  return () => {
    window.removeEventListener("keydown", pressed, true);
    globalThis.xcrystalExplorers?.removeEventListener?.("change", listed);
    entry()?.roots.delete(root);
    model.off("change:pins", draw);
    model.off("change:state", draw);
  };
}

// "P6_3/mmc" with a subscript, "Fm-3m" with an overline.
function withSymbol(symbol) {
  return symbol.split(/([_-]\d)/).map((part, k) => k % 2 === 0 ? part :
    part[0] === "_" ? el("sub", {}, part[1]) : el("span", { class: "xc-over" }, part[1]));
}

export default { initialize: ({ model }) => listExplorer(model), render };
