// The path panel: ends A and B, how to go, a scrubber that plays, what lies along the way, and files of it.
const SPEEDS = [["slow", 900], ["normal", 350], ["fast", 120]];

function render({ model, el: root }) {
  ownKeys(root);
  const button = (name, text, title, onclick) =>
    el("button", { class: `xc-button xc-${name}`, type: "button", title, onclick }, text);

  // -- the ends
  const ends = ["A", "B"].map((name) => {
    const formula = el("b"), label = el("span", { class: "xc-end-label" });
    const source = el("input", { type: "text", class: "xc-end-source", placeholder: "file or material id",
      "aria-label": `${name}: path of a crystal file, or a material id; press Enter`,
      onkeydown: (event) => {
        if (event.key === "Enter" && source.value.trim()) model.send({ act: "end", key: name, end: name, source: source.value });
      } });
    const node = el("div", { class: `xc-end xc-end-${name}`, role: "group", "aria-label": `End ${name} of the path` },
      el("span", { class: "xc-letter", "aria-hidden": "true" }, name),
      el("span", { class: "xc-end-what" }, formula, " ", label),
      button("set", "Set to current", `${name} becomes the crystal that is shown now`,
        () => model.send({ act: "end", key: name, end: name })), source);
    return { name, formula, label, source, node };
  });
  const kind = el("select", { class: "xc-kind", "aria-label": "Kind of path",
    title: "Linear: straight through latent space. Spherical: an arc around its origin. Flow: a line of the learned prior, which keeps to where known crystals are." });
  const frames = el("input", { type: "number", class: "xc-frames", min: "2", value: "16", "aria-label": "Number of frames" });
  const make = button("make", "Make path", "Decode the crystals between A and B",
    () => model.send({ act: "make", kind: kind.value, frames: Number(frames.value) || 16 }));
  const swap = button("swap", "⇄", "Exchange A and B", () => model.send({ act: "swap" }));
  swap.setAttribute("aria-label", "Exchange A and B");
  const both = el("input", { type: "checkbox", onchange: () => model.send({ act: "both", on: both.checked }) });
  const bothLabel = el("label", { class: "xc-check", title: "Draw A and B beside each other" }, both, " A and B side by side");
  const clear = button("clear", "Clear", "Forget the path and its ends", () => model.send({ act: "clear" }));
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Frames decoded" }), words = el("span");
  const working = el("div", { class: "xc-working" }, bar, words,
    button("stop", "Stop", "Stop decoding", () => model.send({ act: "stop" })));

  // -- along the path
  const range = el("input", { type: "range", class: "xc-scrub", min: "0", step: "1", "aria-label": "Frame of the path" });
  const play = button("play", "▶", "Play the path", () => (playing ? stop() : start()));
  const speed = el("select", { class: "xc-speed", "aria-label": "Speed" },
    SPEEDS.map(([name]) => el("option", { value: name }, name)));
  speed.value = "normal";
  const loop = el("input", { type: "checkbox" });
  const place = el("output", { class: "xc-place" });
  const readout = el("div", { class: "xc-readout" });
  const runs = el("div", { class: "xc-runs", role: "group", "aria-label": "Formulas along the path" });
  const chart = laneChart({ onpick: (frame) => { stop(); go(frame); }, onhover: (frame) => { over = frame; read(); } });
  const exports = el("div", { class: "xc-exports", role: "group", "aria-label": "Export the path" }, "Export: ",
    [["cif", "CIFs", "A zip of one CIF a frame"], ["xyz", "Extended XYZ", "One file for ASE, OVITO or VMD"],
      ["gif", "Animated picture", "A GIF of all frames"]].map(([format, text, title]) =>
      button(`export-${format}`, text, title, () => model.send({ act: "export", key: format, format }))));
  const journey = el("div", { class: "xc-journey" },
    el("div", { class: "xc-player" }, play, range, place, speed,
      el("label", { class: "xc-check" }, loop, " loop")), readout, runs, chart.node,
    el("div", { class: "xc-note" }, "Dashed line: contacts below 0.7 of the radii clash. Grey: frames that clash. "
      + "Click the chart to go to a frame."), exports);
  root.append(...ends.map((end) => end.node),
    el("div", { class: "xc-how" }, swap, kind, el("label", { class: "xc-check" }, frames, " frames"), make, bothLabel, clear),
    working, journey);

  // -- going along: one frame is asked for at a time
  let over = null, playing = null, wanted = null, waiting = 0;
  const send = latest(model, (frame) => model.send({ act: "frame", frame }));
  const go = (frame) => {
    wanted = frame;
    clearTimeout(waiting);
    waiting = setTimeout(() => { wanted = null; draw(); }, 4000);
    range.value = String(frame);
    label(frame);
    send(frame);
  };
  range.addEventListener("input", () => { stop(); go(Number(range.value)); });
  const label = (frame) => {
    const path = model.get("state").path;
    place.textContent = path ? `${frame + 1} of ${path.formulas.length}` : "";
    range.setAttribute("aria-valuetext", path ? `frame ${frame + 1} of ${path.formulas.length}, ${path.formulas[frame]}` : "");
  };
  const stop = () => {
    if (!playing) return;
    clearTimeout(playing.timer);
    playing = null;
    face();
  };
  const start = () => {
    const path = model.get("state").path;
    if (!path) return;
    playing = { timer: 0, sent: 0, asked: null };
    if (path.frame >= path.formulas.length - 1 && !loop.checked) step(0); else step(path.frame + 1);
    face();
  };
  const step = (frame) => {
    const path = model.get("state").path;
    if (!playing || !path) { stop(); return; }
    if (frame >= path.formulas.length) {
      if (!loop.checked) { stop(); return; }
      frame = 0;
    }
    playing.sent = performance.now();
    playing.asked = frame;
    go(frame);
  };
  // the next frame only after the answer to the last one
  const onwards = (path) => {
    if (!playing || playing.asked === null || path.frame !== playing.asked) return;
    playing.asked = null;
    const pause = SPEEDS.find(([name]) => name === speed.value)[1];
    playing.timer = setTimeout(() => step(path.frame + 1), Math.max(0, pause - (performance.now() - playing.sent)));
  };
  const face = () => {
    const said = playing ? "Pause" : "Play the path";
    play.textContent = playing ? "❚❚" : "▶";
    play.title = said;
    play.setAttribute("aria-label", said);
  };

  const read = () => {
    const { path } = model.get("state");
    if (!path) return;
    const k = over ?? wanted ?? path.frame;
    show(readout, [k, path], () => [el("b", {}, withSubscripts(path.formulas[k])),
      ` space group ${path.groups[k]}` + (path.valid[k] ? "" : ", atoms clash") + `, nearest known ${path.nearest[k]}; `
      + path.lanes.map((lane) => `${lane.title.toLowerCase()} ${number(lane.values[k], lane.digits)}`
        + (/^[eÅ]/.test(lane.unit) ? ` ${lane.unit}` : "")).join(", ")]);
  };
  const runsOf = (formulas) => {
    const found = [];
    formulas.forEach((formula, k) => {
      if (found.length && found.at(-1).formula === formula) found.at(-1).last = k; else found.push({ formula, first: k, last: k });
    });
    return found;
  };

  const draw = () => {
    const state = model.get("state"), { path, progress } = state;
    ends.forEach((end, k) => {
      const what = state.ends[k];
      show(end.formula, what?.formula ?? "", () => (what ? withSubscripts(what.formula) : []));
      end.label.textContent = what ? what.label : "not set";
      end.label.title = what ? what.label : "";
      end.node.classList.toggle("xc-unset", !what);
    });
    show(kind, state.kinds, () => state.kinds.map((name) => el("option", { value: name }, name)));
    frames.max = String(state.most);
    const set = state.ends.every(Boolean);
    make.disabled = !set || Boolean(progress);
    make.title = set ? "Decode the crystals between A and B" : "Set A and B first";
    both.disabled = !set;
    both.checked = state.both;
    clear.disabled = !state.ends.some(Boolean);
    swap.disabled = !state.ends.some(Boolean);
    working.hidden = !progress;
    if (progress) {
      bar.max = progress[3];
      bar.value = progress[2];
      words.textContent = ` ${progress[2]} of ${progress[3]} frames ${progress[1]} `;
    }
    journey.hidden = !path;
    if (!path) { stop(); wanted = null; chart.draw(null); return; }
    range.max = String(path.formulas.length - 1);
    if (wanted === path.frame) { wanted = null; clearTimeout(waiting); }
    if (wanted === null) { range.value = String(path.frame); label(path.frame); }
    const list = runsOf(path.formulas);
    show(runs, list, () => list.map((run, k) => [k ? el("span", { "aria-hidden": "true" }, " › ") : null,
      el("button", { class: "xc-run", type: "button", title: `Go to frame ${run.first + 1}`,
        onclick: () => { stop(); go(run.first); } }, withSubscripts(run.formula),
      el("small", {}, run.first === run.last ? ` ${run.first + 1}` : ` ${run.first + 1}–${run.last + 1}`))]));
    [...runs.querySelectorAll("button")].forEach((node, k) => node.setAttribute("aria-current",
      String(list[k] && path.frame >= list[k].first && path.frame <= list[k].last)));
    const clashes = path.valid.filter((good) => !good).length;
    chart.draw({ lanes: path.lanes, count: path.formulas.length, current: path.frame, bad: path.valid.map((good) => !good),
      label: `Along the path: ${path.lanes.map((lane) => lane.title).join(", ")}; ${clashes} frames clash` });
    read();
    onwards(path);
  };
  const heard = (content) => {
    if (content?.type === "taken") ends.filter((end) => end.name === content.end).forEach((end) => { end.source.value = ""; });
  };
  model.on("change:state", draw);
  model.on("msg:custom", heard);
  const ended = takeDownloads(model);
  face();
  draw();
  return () => { stop(); clearTimeout(waiting); chart.end(); ended(); model.off("change:state", draw); model.off("msg:custom", heard); };
}
export default { render };
