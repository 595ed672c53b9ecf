// Runs once in each nglview view, by its executeCode: `this` is the view, NGL the library.
// The geometry is kept and only its numbers change, so that nothing is compiled, allocated or flashing while a crystal
// morphs; there is one component for the crystal and one for what marks a picked atom, always.
if (!this.xcFit) {
  const view = this;
  const { stage, model } = view;
  const { viewer } = stage;
  const [SPHERE, BOND, EDGE] = [5, 8, 6];  // numbers in a row of each
  const EDGE_COLOR = [0.55, 0.55, 0.55], EDGE_RADIUS = 0.04;
  // of a picked atom, and of atoms whose score is looked at; Å beyond the atom
  const MARK_COLORS = [1.0, 0.62, 0.1, 0.0, 0.62, 0.45], MARK = 0.16;
  let extent = 0;
  let number = -1, smoothing = 0;
  let scene = null, lit = new Set(), marked = [];

  stage.setParameters({ cameraType: "perspective", clipNear: 0, clipFar: 100, clipDist: 0.1, fogNear: 100, fogFar: 160,
    hoverTimeout: 40, ambientIntensity: 0.45, lightIntensity: 0.8, tooltip: false });
  // nglview reports each change of components, camera and picks to the kernel; a crystal that changes with the hand
  // cannot afford it
  for (const signal of ["componentAdded", "componentRemoved", "clicked"]) stage.signals[signal].removeAll();
  stage.viewerControls.signals.changed.removeAll();
  for (const pick of ["clickPick-left", "clickPick-right", "clickPick-middle", "hoverPick"]) stage.mouseControls.remove(pick);
  view.$pickingInfo.css("display", "none");  // nglview's empty white label

  const background = () => {
    const color = getComputedStyle(document.body).getPropertyValue("--jp-layout-color0").trim() || "white";
    viewer.setBackground(color);
    viewer.requestRender();
  };
  background();
  const theme = new MutationObserver(background);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });

  // the eye is at this many radii of all that is drawn, so that it just fills the height, or the width if that is less
  const radii = () => 3.0 / Math.min(1, viewer.width / viewer.height);
  const size = new ResizeObserver(() => {
    if (!view.el.clientWidth) return;
    const before = radii();
    stage.handleResize();
    // each canvas for itself: the other one is resized, too
    if (extent && Math.abs(radii() / before - 1) > 0.02)
      quietly(() => stage.viewerControls.distance(stage.viewerControls.getCameraDistance() * radii() / before));
  });
  size.observe(view.el);

  // -- geometry that is kept

  const item = { sphere: NGL.SphereBuffer, cylinder: NGL.CylinderBuffer };
  const fields = { sphere: { position: 3, color: 3, radius: 1 },
    cylinder: { position1: 3, position2: 3, color: 3, color2: 3, radius: 1 } };

  function makePart(shape, type, capacity) {
    const data = {};
    for (const [name, width] of Object.entries(fields[type])) data[name] = new Float32Array(width * capacity);
    const picking = { type, data: shape, getIndex: (pid) => pid, getObject: () => ({ name: "" }),
      getPosition: () => new NGL.Vector3() };
    const buffer = new item[type]({ ...data, picking }, {});
    shape.addBuffer(buffer);
    return { data, buffer, capacity };
  }

  function showPart(part, count) {
    part.buffer.setAttributes({ ...part.data });
    const { geometry } = part.buffer;
    geometry.setDrawRange(0, geometry.index.count / part.capacity * count);
    // the viewer's near and far planes come from it
    geometry.boundingBox.min.set(-extent, -extent, -extent);
    geometry.boundingBox.max.set(extent, extent, extent);
  }

  // Makes room: the new geometry is there before the old one goes, which keeps the shaders of both compiled.
  function makeRoom(drawn, sizes, look) {
    const parts = drawn.parts ?? {};
    if (Object.entries(sizes).every(([type, count]) => count <= (parts[type]?.capacity ?? -1))) return;
    drawn.shape.bufferList.length = 0;
    drawn.parts = {};
    for (const [type, count] of Object.entries(sizes)) {
      let capacity = parts[type]?.capacity ?? 64;
      while (capacity < count) capacity *= 2;
      drawn.parts[type] = makePart(drawn.shape, type, capacity);
    }
    const old = [...drawn.component.reprList];
    drawn.component.addRepresentation("buffer", look);
    for (const representation of old) drawn.component.removeRepresentation(representation);
  }

  const made = (name) => {
    const shape = new NGL.Shape(name);
    return { shape, component: stage.addComponentFromObject(shape), parts: null };
  };
  const crystal = made("crystal"), marks = made("marks");

  function fillSpheres({ position, color, radius }, rows, colors, more) {
    for (let i = 0; i * SPHERE < rows.length; i++) {
      const at = i * SPHERE, kind = 3 * rows[at + 4];
      for (let k = 0; k < 3; k++) {
        position[3 * i + k] = rows[at + k];
        color[3 * i + k] = colors[kind + k];
      }
      radius[i] = rows[at + 3] + more;
    }
  }

  function fillCylinders({ position1, position2, color, color2, radius }, bonds, edges, colors) {
    let i = 0;
    const put = (rows, at, thickness, paint, offset) => {
      for (let k = 0; k < 3; k++) {
        position1[3 * i + k] = rows[at + k];
        position2[3 * i + k] = rows[at + 3 + k];
        color[3 * i + k] = color2[3 * i + k] = paint[offset + k];
      }
      radius[i++] = thickness;
    };
    for (let at = 0; at < bonds.length; at += BOND) put(bonds, at, bonds[at + 6], colors, 3 * bonds[at + 7]);
    for (let at = 0; at < edges.length; at += EDGE) put(edges, at, EDGE_RADIUS, EDGE_COLOR, 0);
  }

  function markAtoms() {
    const rows = [];
    marked = [];
    for (let at = 0; at < scene.spheres.length; at += SPHERE) {
      const atom = scene.spheres[at + 4], isLit = lit.has(atom);
      if (atom !== scene.picked && !isLit) continue;
      rows.push(...scene.spheres.subarray(at, at + 4), isLit ? 1 : 0);
      marked.push(atom);
    }
    const count = rows.length / SPHERE;
    makeRoom(marks, { sphere: count }, { opacity: 0.45, depthWrite: false });
    fillSpheres(marks.parts.sphere.data, rows, MARK_COLORS, MARK);
    showPart(marks.parts.sphere, count);
    marks.component.setVisibility(count > 0);
    view.el.dataset.lit = [...lit].join(" ");
  }

  function draw(message, bytes) {
    if (message.number <= number) return;  // a late message must not bring back an older crystal
    if (number < 0) look();
    number = message.number;
    // a view of bytes may begin anywhere, numbers only at a multiple of four
    const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    let begin = 0;
    const take = (count) => floats.subarray(begin, begin += count);
    scene = { names: message.names, picked: message.picked, explained: message.explained, spheres: take(SPHERE * message.spheres),
      bonds: take(BOND * message.bonds), edges: take(EDGE * message.edges), colors: take(3 * message.names.length) };
    const cylinders = message.bonds + message.edges;
    const fitted = message.extent <= 1.2 * extent && message.extent >= extent / 1.2;
    if (!fitted) extent = message.extent;
    makeRoom(crystal, { sphere: message.spheres, cylinder: cylinders }, {});
    fillSpheres(crystal.parts.sphere.data, scene.spheres, scene.colors, 0);
    fillCylinders(crystal.parts.cylinder.data, scene.bonds, scene.edges, scene.colors);
    showPart(crystal.parts.sphere, message.spheres);
    showPart(crystal.parts.cylinder, cylinders);
    lit = new Set();  // they may be others now
    markAtoms();
    viewer.updateBoundingBox();
    viewer.lastRenderedPicking = false;  // what is under the mouse is not what it was
    caption.textContent = message.caption;
    hide();
    // the eye keeps its bearings while a crystal morphs; only another size of cell needs another distance
    if (!fitted) fit(0);
    // quickly first; smooth edges take several times as long
    sample(-1);
    clearTimeout(smoothing);
    view.el.dataset.smooth = "false";
    if (message.fine) smoothing = setTimeout(smooth, 120);
    view.el.dataset.drawn = String(number);
    viewer.requestRender();
  }

  function smooth() {
    sample(0);
    viewer.requestRender();
    view.el.dataset.smooth = "true";
  }

  function sample(level) { if (viewer.sampleLevel !== level) viewer.setSampling(level); }

  // -- what the mouse finds

  const label = document.createElement("div"), caption = document.createElement("div");
  label.className = "xc-atom-label";
  caption.className = "xc-canvas-caption";
  view.el.append(caption, label);
  const hide = () => { label.style.display = "none"; };
  hide();
  const atomAt = (found) => {
    if (!scene || !found || found.picker.data !== crystal.shape && found.picker.data !== marks.shape) return null;
    if (found.picker.data === marks.shape) return marked[found.pid] ?? null;
    if (found.picker.type === "sphere") return scene.spheres[SPHERE * found.pid + 4] ?? null;
    return scene.bonds[BOND * found.pid + 7] ?? null;
  };
  stage.signals.hovered.add((found) => {
    const atom = atomAt(found);
    tell(atom !== null && atom >= 0 && scene.explained ? atom : null);
    if (atom === null || atom < 0) { hide(); return; }
    const { x, y } = stage.mouseObserver.canvasPosition;
    label.textContent = scene.names[atom];
    label.style.left = `${Math.min(x + 12, view.el.clientWidth - 120)}px`;
    label.style.bottom = `${y + 8}px`;
    label.style.display = "block";
  });
  stage.mouseObserver.signals.moved.add(hide);
  stage.signals.clicked.add((found) => model.send({ type: "xc-pick", atom: atomAt(found) }));

  // -- linked with scores elsewhere in the explorer, without the kernel

  let explorer = null, told = null;
  const tell = (atom) => {
    if (atom === told) return;
    told = atom;
    explorer?.dispatchEvent(new CustomEvent("xc-hover", { detail: atom }));
  };
  view.el.addEventListener("pointerleave", () => tell(null));
  const light = (event) => {
    if (!scene) return;
    const atoms = scene.explained ? event.detail : [];
    if (!atoms.length && !lit.size) return;
    lit = new Set(atoms);
    markAtoms();
    sample(-1);
    clearTimeout(smoothing);
    smoothing = setTimeout(smooth, 250);
    view.el.dataset.smooth = "false";
    viewer.requestRender();
  };
  const join = () => {
    if (join.ended || explorer) return;
    explorer = view.el.closest(".xc-explorer");
    if (explorer) explorer.addEventListener("xc-light", light); else requestAnimationFrame(join);
  };
  join();

  // -- the camera

  // around the centre of the cell, which stays where it is
  const fit = (duration) =>
    stage.animationControls.zoomMove(new NGL.Vector3(0, 0, 0), -radii() * extent, duration);
  view.xcFit = () => fit(300);

  // two crystals side by side are seen from the same side
  const boxes = new Set();
  const together = () => {
    const box = view.el.closest(".xc-canvases") ?? view.el;
    (box.xcStages ??= new Set()).add(stage);
    boxes.add(box);
    return box;
  };
  const quietly = (move) => {
    const box = together();
    if (box.xcTurning) return;
    box.xcTurning = true;
    try { move([...box.xcStages].filter((other) => other !== stage)); } finally { box.xcTurning = false; }
  };
  let remembering = 0;
  stage.viewerControls.signals.changed.add(() => {
    // only a hand turns the others: nglview sets the camera of a view that opens, too
    if (stage.mouseObserver.overElement) quietly((others) => {
      const orientation = stage.viewerControls.getOrientation();
      for (const other of others) other.viewerControls.orient(orientation);
    });
    clearTimeout(remembering);  // a view that opens later looks from the same side, too
    remembering = setTimeout(() => view.serialize_camera_orientation(), 500);
  });
  const look = () => quietly(([other]) => {
    const { x, y, z } = stage.viewerControls.rotation;
    if (other) stage.viewerControls.orient(other.viewerControls.getOrientation());
    // a little from above and from the side, as crystals are drawn in books
    else if (Math.hypot(x, y, z) < 1e-6)
      stage.viewerControls.rotate(new NGL.Quaternion().setFromEuler(new NGL.Euler(0.32, -0.45, 0, "XYZ")));
  });

  const receive = (message, buffers) => { if (message.type === "xc-scene") draw(message, buffers[0]); };
  model.on("msg:custom", receive);
  view.once("remove", () => {
    model.off("msg:custom", receive);
    join.ended = true;
    explorer?.removeEventListener("xc-light", light);
    clearTimeout(remembering);
    clearTimeout(smoothing);
    for (const box of boxes) box.xcStages.delete(stage);
    theme.disconnect();
    size.disconnect();
    stage.dispose();
    viewer.renderer.forceContextLoss();  // browsers keep few contexts, and collect them late
  });
}
