// Small charts over frames or steps: one lane a quantity, told apart by colour, dashes and marks.
const LOOKS = [
  { color: "#0072b2", dash: "", mark: "circle" },
  { color: "#d55e00", dash: "6 3", mark: "square" },
  { color: "#009e73", dash: "2 3", mark: "diamond" },
  { color: "#cc79a7", dash: "8 3 2 3", mark: "triangle" },
  { color: "#56b4e9", dash: "1 2", mark: "cross" },
  { color: "#999999", dash: "4 4", mark: "circle" },
];

function mark(kind, x, y, r, color) {
  const props = { fill: color, stroke: color, "stroke-width": 1 };
  if (kind === "square") return svg("rect", { ...props, x: x - r, y: y - r, width: 2 * r, height: 2 * r });
  if (kind === "diamond") return svg("path", { ...props, d: `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z` });
  if (kind === "triangle") return svg("path", { ...props, d: `M${x} ${y - 1.3 * r}l${1.3 * r} ${2.3 * r}h${-2.6 * r}z` });
  if (kind === "cross") return svg("path", { ...props, fill: "none", "stroke-width": 1.8, d: `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}` });
  return svg("circle", { ...props, cx: x, cy: y, r });
}

// "-3.20" with a real minus
function number(value, digits) {
  if (value === null || value === undefined) return "–";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

// A chart that fits its box. draw({ lanes, count, current, bad, label }); onpick(frame), onhover(frame or null).
function laneChart({ onpick, onhover, height = 40 }) {
  const box = el("div", { class: "xc-chart" });
  let shown = null, hovered = null;
  const left = 6, right = 8, top = 15;
  const at = (event) => {
    if (!shown || shown.count < 1) return null;
    const rect = box.getBoundingClientRect();
    const share = (event.clientX - rect.left - left) / Math.max(1, rect.width - left - right);
    return Math.max(0, Math.min(shown.count - 1, Math.round(share * (shown.count - 1))));
  };
  const hover = (frame) => { if (frame !== hovered) { hovered = frame; onhover?.(frame); cursor(); } };
  box.addEventListener("pointermove", (event) => hover(at(event)));
  box.addEventListener("pointerleave", () => hover(null));
  if (onpick) box.addEventListener("click", (event) => { const frame = at(event); if (frame !== null) onpick(frame); });
  box.classList.toggle("xc-pickable", Boolean(onpick));

  let place = () => 0, cursorLine = null, hoverLine = null;
  const cursor = () => {
    if (!shown || !cursorLine) return;
    const move = (line, frame) => {
      line.setAttribute("visibility", frame === null || frame === undefined ? "hidden" : "visible");
      if (frame !== null && frame !== undefined) { line.setAttribute("x1", place(frame)); line.setAttribute("x2", place(frame)); }
    };
    move(cursorLine, shown.current);
    move(hoverLine, hovered);
  };
  const paint = () => {
    if (!shown) { box.replaceChildren(); return; }
    const width = Math.max(160, box.clientWidth || 320), lane = height + top;
    const { lanes, count, bad } = shown;
    place = (frame) => left + (count > 1 ? frame / (count - 1) : 0.5) * (width - left - right);
    const total = lanes.length * lane;
    const step = count > 1 ? (width - left - right) / (count - 1) : width;
    const parts = (bad ?? []).map((isBad, k) => isBad && svg("rect", { class: "xc-bad",
      x: place(k) - step / 2, width: step, y: 0, height: total }));
    lanes.forEach((of, n) => {
      const { color, dash, mark: kind } = LOOKS[n % LOOKS.length];
      const known = of.values.filter((v) => v !== null);
      let low = Math.min(...known), high = Math.max(...known);
      const least = 4 * 10 ** -of.digits;  // rounding noise is not drawn as mountains
      if (high - low < least) { const middle = (high + low) / 2; low = middle - least / 2; high = middle + least / 2; }
      const y = (v) => n * lane + top + 4 + (height - 10) * (1 - (v - low) / (high - low));
      parts.push(svg("line", { class: "xc-ruler", x1: 0, x2: width, y1: (n + 1) * lane - 0.5, y2: (n + 1) * lane - 0.5 }));
      parts.push(svg("text", { class: "xc-lane", x: left + 14, y: n * lane + 11 }, of.title,
        svg("tspan", { class: "xc-unit" }, of.unit ? ` (${of.unit})` : "")));
      parts.push(mark(kind, left + 5, n * lane + 7.5, 3.2, color));
      parts.push(svg("text", { class: "xc-range", x: width - right, y: n * lane + 11, "text-anchor": "end" },
        `${number(known.length ? Math.min(...known) : null, of.digits)} to ${number(known.length ? Math.max(...known) : null, of.digits)}`));
      if (of.limit !== null && of.limit !== undefined && of.limit > low && of.limit < high) {
        parts.push(svg("line", { class: "xc-limit", x1: left, x2: width - right, y1: y(of.limit), y2: y(of.limit) }));
      }
      const points = of.values.map((v, k) => (v === null ? null : [place(k), y(v)])).filter(Boolean);
      parts.push(svg("polyline", { points: points.map((p) => p.map((x) => x.toFixed(1)).join(",")).join(" "), fill: "none",
        stroke: color, "stroke-width": 1.8, "stroke-dasharray": dash || null }));
      if (count <= 60) parts.push(...points.map(([px, py]) => mark(kind, px, py, count > 30 ? 1.4 : 2.2, color)));
    });
    cursorLine = svg("line", { class: "xc-cursor", y1: 0, y2: total });
    hoverLine = svg("line", { class: "xc-hover", y1: 0, y2: total });
    box.replaceChildren(svg("svg", { width, height: total, viewBox: `0 0 ${width} ${total}`, role: "img",
      "aria-label": shown.label }, hoverLine, cursorLine, parts));
    cursor();
  };
  let key = "";
  const observer = new ResizeObserver(() => { if (box.clientWidth && box.clientWidth !== box.firstChild?.clientWidth) paint(); });
  observer.observe(box);
  return {
    node: box,
    draw(next) {
      const { current, ...rest } = next ?? {};
      const now = JSON.stringify(next ? rest : null);
      shown = next;
      if (now !== key) { key = now; hovered = null; paint(); } else cursor();
    },
    end() { observer.disconnect(); },
  };
}
