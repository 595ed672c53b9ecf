// Runs once in each nglview view, by its executeCode: `this` is the view, NGL the library.
// Replaces the scene in one step, so that there is never an empty frame and never more than one component.
if (!this.xcDraw) {
  const view = this;
  const stage = view.stage;
  let extent = 0;
  let current = null;
  let number = -1;

  stage.setParameters({ cameraType: "perspective", clipNear: 0, clipFar: 100, clipDist: 0.1, fogNear: 100, fogFar: 160,
    hoverTimeout: 80, ambientIntensity: 0.45, lightIntensity: 0.8, tooltip: true });
  // nglview logs and reports each component to the kernel; a scene that changes ten times a second cannot afford it
  stage.signals.componentAdded.removeAll();
  stage.signals.componentRemoved.removeAll();
  view.$pickingInfo.css("display", "none");  // nglview's empty white label

  const background = () => {
    const color = getComputedStyle(document.body).getPropertyValue("--jp-layout-color0").trim() || "white";
    stage.viewer.setBackground(color);
    stage.viewer.requestRender();
  };
  background();
  const theme = new MutationObserver(background);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });

  const size = new ResizeObserver(() => { if (view.el.clientWidth > 0) stage.handleResize(); });
  size.observe(view.el);
  view.once("remove", () => { theme.disconnect(); size.disconnect(); stage.dispose(); });

  // around the centre of the cell, which stays where it is; the sphere around all atoms just fills the height
  const fit = (duration) =>
    stage.animationControls.zoomMove(new NGL.Vector3(0, 0, 0), -3.0 * extent, duration);

  const add = (shape) => {
    const component = stage.addComponentFromObject(shape);
    component.addRepresentation("buffer", {});
    return component;
  };
  // three.js throws shaders away with the last thing drawn by them, and would compile them again for every scene, which
  // takes longer than all the rest: a sphere and a cylinder too small to be seen keep them
  const keeper = new NGL.Shape("keeper");
  keeper.addSphere([0, 0, 0], [0.5, 0.5, 0.5], 1e-4, "");
  keeper.addCylinder([0, 0, 0], [0, 0, 1e-4], [0.5, 0.5, 0.5], 1e-4, "");
  add(keeper);

  view.xcDraw = (scene) => {
    if (scene.number <= number) return;  // a late message must not bring back an older crystal
    number = scene.number;
    const shape = new NGL.Shape("crystal");
    scene.spheres.forEach(([x, y, z, radius, kind]) =>
      shape.addSphere([x, y, z], scene.colors[kind], radius, scene.names[kind]));
    scene.bonds.forEach(([x, y, z, u, v, w, radius, kind]) =>
      shape.addCylinder([x, y, z], [u, v, w], scene.colors[kind], radius, scene.names[kind]));
    scene.edges.forEach(([x, y, z, u, v, w]) =>
      shape.addCylinder([x, y, z], [u, v, w], [0.55, 0.55, 0.55], scene.edge_radius, "unit cell"));
    const component = add(shape);
    if (current) stage.removeComponent(current);
    current = component;
    // the eye keeps its bearings while a crystal morphs; only another size of cell needs another distance
    if (scene.extent > 1.2 * extent || scene.extent < extent / 1.2) {
      extent = scene.extent;
      fit(0);
    }
    stage.viewer.setSampling(scene.fine ? 0 : -1);
    view.el.dataset.drawn = String(number);
    stage.viewer.requestRender();
  };
  view.xcFit = () => fit(300);
  if (!view.model.get("_camera_orientation").length) {
    // a little from above and from the side, as crystals are drawn in books
    const turn = new NGL.Quaternion().setFromEuler(new NGL.Euler(0.32, -0.45, 0, "XYZ"));
    stage.viewerControls.rotate(turn);
  }
}
