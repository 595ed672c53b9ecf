// What the last change did, the log, the strip of visited crystals, undo and redo.
function render({ model, el: root }) {
  const act = (name, icon, keys) => el("button", { type: "button", class: `xc-button xc-${name}`, "data-control": "undo",
    onclick: () => model.send({ act: name }) },
    el("i", { class: `fa fa-${icon}`, "aria-hidden": "true" }), el("span", { class: "xc-unseen" }, `${name} (${keys})`));
  const undo = act("undo", "undo", "Ctrl+Z"), redo = act("redo", "repeat", "Ctrl+Shift+Z");
  const line = el("div", { class: "xc-story-line", role: "status", "aria-live": "polite" });
  const list = el("ol", { class: "xc-log-lines" });
  const log = el("details", { class: "xc-log", ontoggle: () => model.send({ act: "log", open: log.open }) },
    el("summary", {}, "Log"), list);
  const strip = el("ol", { class: "xc-history", "aria-label": "Crystals visited; a click goes back" });
  const pictures = new Map(), chips = new Map();
  root.append(el("div", { class: "xc-story-top" }, undo, redo, line), log, strip);

  const draw = () => {
    const state = model.get("state");
    line.textContent = state.story || "What you do is told here, in words.";
    for (const [button, name, what] of [[undo, "Undo", state.undo], [redo, "Redo", state.redo]]) {
      // a disabled button would lose the focus, and with it the keyboard
      button.setAttribute("aria-disabled", String(!what));
      button.title = what ? `${name}: ${what}` : `Nothing to ${name.toLowerCase()}`;
    }
    log.hidden = !state.lines;
  };
  const drawLog = () => {
    const lines = model.get("log"), first = model.get("state").lines - lines.length + 1;
    list.setAttribute("start", first);
    show(list, [first, lines], () => lines.map((text) => el("li", {}, text)));
    list.scrollTop = list.scrollHeight;
  };
  let asked = "";
  const drawStrip = () => {
    const visited = model.get("chips");
    const nodes = visited.map((chip) => {
      let node = chips.get(chip.key);
      if (!node) {
        const button = el("button", { type: "button", class: "xc-visited",
          onclick: () => model.send({ act: "go", place: Number(button.dataset.place) }) });
        node = el("li", {}, button);
        chips.set(chip.key, node);
      }
      const button = node.firstChild, picture = pictures.get(String(chip.key));
      button.dataset.place = chip.place;
      button.title = `${chip.formula}, ${chip.title}`;
      button.setAttribute("aria-label", `Go back to ${chip.formula}, ${chip.title}`);
      if (chip.current) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
      show(button, [chip.formula, Boolean(picture)], () => [
        picture ? el("img", { src: picture, alt: "", width: 44, height: 44 }) : el("span", { class: "xc-no-picture" }),
        el("span", { class: "xc-chip-name" },
          withSubscripts(chip.formula))]);
      return node;
    });
    const kept = new Set(visited.map((chip) => chip.key));
    for (const key of [...chips.keys()]) if (!kept.has(key)) { chips.delete(key); pictures.delete(String(key)); }
    // nodes that stay where they are keep the focus
    nodes.forEach((node, k) => { if (strip.children[k] !== node) strip.insertBefore(node, strip.children[k] ?? null); });
    while (strip.children.length > nodes.length) strip.lastChild.remove();
    const current = strip.querySelector("[aria-current]");
    if (current) strip.scrollLeft = current.offsetLeft - strip.clientWidth / 2;
    const missing = visited.map((chip) => chip.key).filter((key) => !pictures.has(String(key)));
    if (started && missing.length && String(missing) !== asked) {
      asked = String(missing);
      model.send({ act: "thumbnails", keys: missing });
    }
  };
  const heard = (message) => {
    if (message?.type !== "thumbnails") return;
    for (const [key, text] of Object.entries(message.pictures)) {
      pictures.set(key, `data:image/svg+xml,${encodeURIComponent(text)}`);  // an image cannot run scripts
    }
    drawStrip();
  };

  // Ctrl+Z anywhere in the explorer, but not where text is typed, which has an undo of its own.
  const typing = (node) => node.closest?.("textarea, [contenteditable='true'], input:not([type=range], [type=checkbox], [type=radio], [type=button])");
  const pressed = (event) => {
    const explorer = root.closest(".xc-explorer");
    if (!explorer || !explorer.contains(event.target) || typing(event.target)) return;
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const wish = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : null;
    if (!wish || explorer.classList.contains("xc-hide-undo")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    model.send({ act: wish });
  };
  // before JupyterLab, for which these keys mean the undoing of cells
  window.addEventListener("keydown", pressed, true);

  const all = () => { draw(); drawStrip(); };
  model.on("change:state", draw);
  model.on("change:log", drawLog);
  model.on("change:chips", drawStrip);
  model.on("msg:custom", heard);
  let started = false;
  all();
  drawLog();
  const cancel = whenDrawn(root, () => { started = true; drawStrip(); });
  return () => {
    cancel();
    window.removeEventListener("keydown", pressed, true);
    model.off("change:state", draw);
    model.off("change:log", drawLog);
    model.off("change:chips", drawStrip);
    model.off("msg:custom", heard);
  };
}
export default { render };
