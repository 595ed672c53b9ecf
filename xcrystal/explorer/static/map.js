// The layer over the points of the map: markers in an SVG of their own, so that moving one never redraws the points;
// tools, tooltip, legend. Plotly draws, pans and zooms; all else that the hand does is heard here.
function render({ model, el: root }) {
  const SHAPES = {
    current: "M-9,0a9,9 0 1,0 18,0a9,9 0 1,0 -18,0M0,-15V-5M0,5V15M-15,0H-5M5,0H15",
    loaded: "M0,-9L9,0L0,9L-9,0Z",
    own: "M0,-9L9,0L0,9L-9,0Z",
    end: "M-7,-7H7V7H-7Z",
    wanted: "M-5,-5L5,5M-5,5L5,-5",
    landed: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
  };
  const TOOLS = [["go", "Go", "g", "Go: click or drag to decode what lies there"], ["pan", "Pan", "p", "Pan: drag the map; the wheel zooms with every tool"],
    ["lasso", "Lasso", "l", "Lasso: draw around crystals to pick them"], ["box", "Box", "b", "Box: pick the crystals in a rectangle"]];
  const NEAR = 5;  // pixels that a click may travel
  let plot = null, tool = "go", gesture = null, ended = false, painting = 0;
  const drag = latest(model, (place) => model.send({ act: "drag", ...place }));
  const state = () => model.get("state");

  // -- what there is
  const buttons = TOOLS.map(([name, label, key, title]) => el("button", { class: `xc-button xc-tool-${name}`, type: "button",
    title: `${title} (${key})`, "aria-pressed": "false", onclick: () => take(name) }, label));
  const press = (attr, value) => plot?.querySelector(`.modebar-btn[data-attr="${attr}"][data-val="${value}"]`)?.click();
  const views = [["+", "Zoom in", "zoom", "in"], ["−", "Zoom out", "zoom", "out"], ["⌂", "Show the whole map", "zoom", "reset"]]
    .map(([sign, title, attr, value]) => el("button", { class: `xc-button xc-zoom-${value}`, type: "button", title, "aria-label": title,
      onclick: () => press(attr, value) }, sign));
  const select = el("select", { title: "What colours the points of the map", onchange: () => model.send({ act: "color", name: select.value }) });
  const bar = el("div", { class: "xc-tools", "data-lm-suppress-shortcuts": "true" },
    el("label", { class: "xc-color" }, el("span", {}, "Map by"), select),
    el("span", { class: "xc-group", role: "group", "aria-label": "What the mouse does on the map" }, buttons),
    el("span", { class: "xc-group", role: "group", "aria-label": "Zoom" }, views));
  const picture = svg("svg", { "aria-hidden": "true" });
  const drawn = svg("polygon", { class: "xc-lasso" });
  const tip = el("div", { class: "xc-tip", role: "tooltip" });
  const note = el("div", { class: "xc-note" });
  const layer = el("div", { class: "xc-layer", tabindex: "0", role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": "Map of crystals. Arrow keys move the place that is decoded; g, p, l, b choose a tool; plus, minus and 0 zoom." },
    picture, note, tip);
  const key = el("div", { class: "xc-key" });
  const off = el("div", { class: "xc-off", "aria-live": "polite" });
  const picked = el("div", { class: "xc-picked" });
  const credit = el("div", { class: "xc-credit" });
  root.append(bar, layer, el("div", { class: "xc-foot" }, key, off, picked, credit));

  function take(name) {
    tool = name;
    TOOLS.forEach(([other], k) => buttons[k].setAttribute("aria-pressed", String(other === name)));
    root.closest(".xc-map")?.setAttribute("data-tool", name);
    tip.replaceChildren();
  }

  // -- places
  function axes() {
    const layout = plot && plot._fullLayout;
    return layout && layout.xaxis && layout.xaxis._length ? [layout.xaxis, layout.yaxis] : null;
  }
  // from the ranges, which follow a drag at once, not from plotly's scale, which is set at its end
  function onScreen(x, y) {
    const [xaxis, yaxis] = axes(), frame = layer.getBoundingClientRect(), inside = plot.getBoundingClientRect();
    const fx = (x - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0]);
    const fy = (yaxis.range[1] - y) / (yaxis.range[1] - yaxis.range[0]);
    const seen = fx >= 0 && fx <= 1 && fy >= 0 && fy <= 1;
    return [inside.left - frame.left + xaxis._offset + fx * xaxis._length, inside.top - frame.top + yaxis._offset + fy * yaxis._length, seen];
  }
  function at(event, clamp = false) {
    const [xaxis, yaxis] = axes(), box = plot.getBoundingClientRect();
    let fx = (event.clientX - box.left - xaxis._offset) / xaxis._length;
    let fy = (event.clientY - box.top - yaxis._offset) / yaxis._length;
    if (clamp) [fx, fy] = [Math.min(Math.max(fx, 0), 1), Math.min(Math.max(fy, 0), 1)];
    if (fx < 0 || fx > 1 || fy < 0 || fy > 1) return null;
    const [width, height] = [xaxis.range[1] - xaxis.range[0], yaxis.range[1] - yaxis.range[0]];
    return { x: xaxis.range[0] + fx * width, y: yaxis.range[1] - fy * height,
      dx: Math.abs(width) / xaxis._length, dy: Math.abs(height) / yaxis._length };
  }

  // -- drawing
  function draw() {
    if (!axes() || ended) return;
    const { markers, ring, path } = state(), parts = [];
    for (const layered of ["xc-way-halo", "xc-way"])
      if (path.length) parts.push(svg("polyline", { class: layered, points: path.map(([x, y]) => onScreen(x, y).slice(0, 2)).join(" ") }));
    for (const [x, y] of path) { const [px, py] = onScreen(x, y); parts.push(svg("circle", { class: "xc-stop", cx: px, cy: py, r: 2.5 })); }
    for (const [x, y] of ring) {
      const [px, py, seen] = onScreen(x, y);
      if (seen) for (const name of ["xc-ring-halo", "xc-ring"]) parts.push(svg("circle", { class: name, cx: px, cy: py, r: 6 }));
    }
    const wanted = markers.find((mark) => mark.kind === "wanted"), landed = markers.find((mark) => mark.kind === "landed");
    if (wanted && landed) {
      const [from, to] = [wanted, landed].map((mark) => onScreen(mark.x, mark.y));
      parts.push(svg("line", { class: "xc-gap", x1: from[0], y1: from[1], x2: to[0], y2: to[1] }));
    }
    for (const mark of [...markers].reverse()) {
      const [px, py, seen] = onScreen(mark.x, mark.y);
      if (!seen) continue;
      for (const layered of ["halo", "line"])
        parts.push(svg("path", { d: SHAPES[mark.kind], transform: `translate(${px},${py})`, "data-x": mark.x, "data-y": mark.y, "data-sign": mark.sign,
          class: `xc-marker xc-marker-${mark.kind} xc-marker-${layered}` }, svg("title", {}, mark.text)));
      if (mark.sign) parts.push(svg("text", { class: "xc-sign", x: px, y: py }, mark.sign));
    }
    picture.replaceChildren(...parts, drawn);
  }
  const redraw = () => { if (!painting) painting = requestAnimationFrame(() => { painting = 0; draw(); }); };

  function tell() {
    const { colors, color, legend, off: said, here, crystals, credit: ours, shown, picked: chosen } = state();
    show(select, colors, () => {
      const option = ([name, title]) => el("option", { value: name }, title);
      const elements = colors.filter(([name]) => name.startsWith("element:"));
      return [...colors.filter((pair) => !elements.includes(pair)).map(option), el("optgroup", { label: "Elements" }, elements.map(option))];
    });
    select.value = color;
    show(key, legend, () => [
      legend.title ? el("span", {}, legend.title) : null,
      legend.colors.length ? el("span", {}, legend.low, el("i", { class: "xc-ramp", style: `background: linear-gradient(to right, ${legend.colors.join(",")})` }), legend.high) : null,
      ...legend.kinds.map(([kind, tone]) => el("span", {}, el("i", { style: `background: ${tone}` }), kind)),
      legend.absent ? el("span", {}, el("i", { style: `background: ${legend.absent[1]}` }), legend.absent[0]) : null]);
    off.textContent = said;
    show(picked, chosen, () => chosen && [el("span", {}, `${chosen[0].toLocaleString("en")} picked: ${chosen[1]}`),
      el("button", { class: "xc-button", type: "button", onclick: () => model.send({ act: "unpick" }) }, "Clear")]);
    note.textContent = shown;
    const link = (href, text) => el("a", { href, target: "_blank", rel: "noopener" }, text);
    show(credit, [here, crystals, ours], () => [`${crystals} crystals`, ours ? ": " : null,
      ours ? link("https://next-gen.materialsproject.org/about/terms", "Materials Project, CC BY 4.0") : null, ". ",
      ...(here.name ? [`${here.title}: `, here.href ? link(here.href, here.name) : here.name, "."] : [])]);
  }

  // -- the hand
  const onDown = (event) => {
    if (!axes() || event.button !== 0 || !at(event)) return;
    const own = event.target.closest?.(".xc-marker-own");
    if (own) { model.send({ act: "own", number: Number(own.dataset.sign) - 1 }); event.stopPropagation(); return; }
    layer.classList.add("xc-by-hand");
    layer.focus({ preventScroll: true });
    tip.replaceChildren();
    held = null;
    gesture = { x: event.clientX, y: event.clientY, moved: false, corners: [] };
    if (tool !== "pan") event.preventDefault();
  };
  // plotly begins to pan at this event, which comes after the one above
  const onMouseDown = (event) => { if (tool !== "pan" && event.button === 0) { event.stopPropagation(); } };
  const onMove = (event) => {
    if (!gesture) { hover(event); return; }
    if (Math.hypot(event.clientX - gesture.x, event.clientY - gesture.y) >= NEAR) gesture.moved = true;
    if (!gesture.moved) return;
    const place = at(event, true);
    if (tool === "go") drag({ x: place.x, y: place.y });
    if (tool === "lasso") gesture.corners.push([place.x, place.y]);
    if (tool === "box") {
      const from = at({ clientX: gesture.x, clientY: gesture.y }, true);
      gesture.corners = [[from.x, from.y], [place.x, from.y], [place.x, place.y], [from.x, place.y]];
    }
    drawn.setAttribute("points", gesture.corners.map(([x, y]) => onScreen(x, y).slice(0, 2)).join(" "));
  };
  const onUp = (event) => {
    if (!gesture) return;
    const { moved, corners } = gesture;
    gesture = null;
    drawn.setAttribute("points", "");
    const place = !moved && at(event);
    if (place) model.send({ act: "click", ...place });
    else if (corners.length > 2) model.send({ act: "polygon", points: corners });
  };

  let asked = false, next = null;
  const ask = (question) => { asked = true; next = null; model.send({ act: "hover", ...question }); };
  function hover(event) {
    const place = event.target.closest?.(".js-plotly-plot") === plot && axes() ? at(event) : null;
    if (!place) { tip.replaceChildren(); next = null; return; }
    next = place;
    const [px, py] = onScreen(place.x, place.y), wide = layer.clientWidth;
    const right = px > wide / 2;  // on the side where there is room, and no wider than it
    tip.style.left = right ? "auto" : `${px + 14}px`;
    tip.style.right = right ? `${wide - px + 14}px` : "auto";
    tip.style.maxWidth = `${Math.min(260, Math.max(right ? px : wide - px, 120) - 30)}px`;
    tip.style.top = `${Math.max(4, py - 20)}px`;
    if (!asked) ask(place);
  }
  const onMessage = (message) => {
    if (message?.type !== "hover") return;
    asked = false;
    const [formula, ...rest] = message.lines;
    tip.replaceChildren(...(formula && !gesture ? [el("b", {}, formula), ...rest.map((line) => el("div", {}, line))] : []));
    if (next) ask(next);
  };
  const onLeave = () => { tip.replaceChildren(); next = null; };

  // -- the keyboard
  let held = null, letGo = 0;  // where the arrow keys have gone, while the crystals still follow
  layer.addEventListener("keydown", (event) => {
    layer.classList.remove("xc-by-hand");
    if (event.ctrlKey || event.metaKey || event.altKey || !axes()) return;
    const chosen = TOOLS.find(([, , letter]) => letter === event.key);
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (chosen) take(chosen[0]);
    else if (event.key === "+" || event.key === "=") press("zoom", "in");
    else if (event.key === "-") press("zoom", "out");
    else if (event.key === "0") press("zoom", "reset");
    else if (event.key === "Escape") { gesture = null; drawn.setAttribute("points", ""); if (state().picked) model.send({ act: "unpick" }); }
    else if (way) {
      const [xaxis, yaxis] = axes(), { markers } = state(), far = event.shiftKey ? 0.05 : 0.01;
      const from = held ?? markers.find((mark) => mark.kind === "wanted") ?? markers.find((mark) => mark.kind === "current");
      held = { x: from.x + way[0] * far * (xaxis.range[1] - xaxis.range[0]), y: from.y + way[1] * far * (yaxis.range[1] - yaxis.range[0]) };
      drag(held);
      clearTimeout(letGo);
      letGo = setTimeout(() => { held = null; }, 1500);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // -- plotly
  let looked = 0;
  const onView = () => {
    redraw();
    clearTimeout(looked);
    if (state().shown) looked = setTimeout(() => {
      const both = axes();
      if (both && !ended) model.send({ act: "window", x0: both[0].range[0], x1: both[0].range[1], y0: both[1].range[0], y1: both[1].range[1] });
    }, 200);
  };
  // plotly follows the window only; a figure made before its box has a width is 700 pixels wide for ever
  let waiting = 0;
  const resized = new ResizeObserver(() => {
    redraw();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const width = layer.clientWidth;
      if (!ended && width > 0 && Math.abs(width - plot._fullLayout.width) > 3) plot._responsiveChartHandler?.();
    }, 60);
  });
  const heard = { plotly_afterplot: redraw, plotly_relayout: onView, plotly_relayouting: redraw };
  const onState = () => { tell(); redraw(); };

  function attach() {
    if (ended) return;
    const found = root.closest(".xc-map")?.querySelector(".js-plotly-plot");
    if (!found || !found.on || !found.calcdata || !found._fullLayout?.xaxis?._length) {
      requestAnimationFrame(attach);
      return;
    }
    plot = found;
    Object.entries(heard).forEach(([name, hear]) => plot.on(name, hear));
    for (const place of [plot, layer]) place.addEventListener("pointerdown", onDown, true);
    plot.addEventListener("mousedown", onMouseDown, true);
    plot.addEventListener("pointerleave", onLeave);
    window.addEventListener("pointermove", onMove, true);
    window.addEventListener("pointerup", onUp, true);
    resized.observe(layer);
    take(tool);
    draw();
    root.dataset.ready = "true";
  }
  tell();
  attach();
  model.on("change:state", onState);
  model.on("msg:custom", onMessage);

  return () => {
    ended = true;
    resized.disconnect();
    clearTimeout(looked);
    clearTimeout(waiting);
    window.removeEventListener("pointermove", onMove, true);
    window.removeEventListener("pointerup", onUp, true);
    if (plot) Object.entries(heard).forEach(([name, hear]) => plot.removeListener?.(name, hear));
    model.off("change:state", onState);
    model.off("msg:custom", onMessage);
  };
}
export default { render };
