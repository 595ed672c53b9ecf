// Markers over the map. They live in an SVG of their own, so that moving one never redraws the atlas' points.
function render({ model, el }) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  el.appendChild(svg);
  let plot = null;
  let down = null;
  let disposed = false;

  const shapes = {
    current: "M-9,0a9,9 0 1,0 18,0a9,9 0 1,0 -18,0M0,-15V-5M0,5V15M-15,0H-5M5,0H15",
    loaded: "M0,-9L9,0L0,9L-9,0Z",
  };

  function axes() {
    const layout = plot && plot._fullLayout;
    return layout && layout.xaxis && layout.xaxis._length ? [layout.xaxis, layout.yaxis] : null;
  }

  function draw() {
    const both = axes();
    svg.replaceChildren();
    if (!both) return;
    const [xaxis, yaxis] = both;
    const frame = el.getBoundingClientRect();
    const inside = plot.getBoundingClientRect();
    const [left, top] = [inside.left - frame.left, inside.top - frame.top];
    for (const { x, y, kind } of model.get("markers")) {
      // from the ranges, which follow a drag at once, not from plotly's scale, which is set at its end
      const fx = (x - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0]);
      const fy = (yaxis.range[1] - y) / (yaxis.range[1] - yaxis.range[0]);
      if (fx < 0 || fx > 1 || fy < 0 || fy > 1) continue;
      const px = left + xaxis._offset + fx * xaxis._length;
      const py = top + yaxis._offset + fy * yaxis._length;
      for (const layer of ["halo", "line"]) {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", shapes[kind]);
        path.setAttribute("transform", `translate(${px},${py})`);
        path.setAttribute("class", `xc-marker xc-marker-${kind} xc-marker-${layer}`);
        path.dataset.x = x;
        path.dataset.y = y;
        svg.appendChild(path);
      }
    }
  }

  function at(event) {
    const [xaxis, yaxis] = axes();
    const box = plot.getBoundingClientRect();
    const fx = (event.clientX - box.left - xaxis._offset) / xaxis._length;
    const fy = (event.clientY - box.top - yaxis._offset) / yaxis._length;
    if (fx < 0 || fx > 1 || fy < 0 || fy > 1) return null;
    const [width, height] = [xaxis.range[1] - xaxis.range[0], yaxis.range[1] - yaxis.range[0]];
    return {
      x: xaxis.range[0] + fx * width, y: yaxis.range[1] - fy * height,
      dx: Math.abs(width) / xaxis._length, dy: Math.abs(height) / yaxis._length,
    };
  }

  // a click is a press that does not travel; plotly itself reports only those that hit a point exactly
  const onDown = (event) => {
    const usable = axes() && event.button === 0 && !event.target.closest(".modebar, .infolayer .legend");
    down = usable ? [event.clientX, event.clientY] : null;
  };
  const onUp = (event) => {
    if (!down) return;
    const travelled = Math.hypot(event.clientX - down[0], event.clientY - down[1]);
    down = null;
    const place = travelled < 5 ? at(event) : null;
    if (place) model.send({ type: "click", ...place });
  };

  // plotly follows the window only; a figure made before its box has a width is 700 pixels wide for ever
  let waiting = 0;
  const resized = new ResizeObserver(() => {
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const width = el.clientWidth;
      if (!disposed && width > 0 && Math.abs(width - plot._fullLayout.width) > 1) plot._responsiveChartHandler?.();
    }, 60);
  });
  const events = ["plotly_afterplot", "plotly_relayout", "plotly_relayouting"];

  function attach() {
    if (disposed) return;
    const found = el.closest(".xc-map")?.querySelector(".js-plotly-plot");
    if (!found || !found.on || !found.calcdata || !found._fullLayout?.xaxis?._length) {
      requestAnimationFrame(attach);
      return;
    }
    plot = found;
    events.forEach((name) => plot.on(name, draw));
    plot.addEventListener("pointerdown", onDown, true);
    window.addEventListener("pointerup", onUp, true);
    resized.observe(el);
    draw();
    el.dataset.ready = "true";
  }
  attach();
  model.on("change:markers", draw);

  return () => {
    disposed = true;
    resized.disconnect();
    window.removeEventListener("pointerup", onUp, true);
    if (plot) {
      plot.removeEventListener("pointerdown", onDown, true);
      events.forEach((name) => plot.removeListener && plot.removeListener(name, draw));
    }
    model.off("change:markers", draw);
  };
}
export default { render };
