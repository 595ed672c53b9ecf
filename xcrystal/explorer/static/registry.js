// The explorers of a page, for whoever lists them, such as the side panel "Latent space" of the JupyterLab extension.
//
// globalThis.xcrystalExplorers is an EventTarget with a `version` and `explorers`, a Map from id to explorer, made by
// whoever needs it first. It fires "change" after every change. An explorer is there as long as its kernel answers; it has
// the fields below: `kernel` is the id of its kernel where that is known, `shown` the key of the pin that is shown or -1,
// `full` whether no more can be pinned, `node()` an element of it that is shown somewhere or null, and `act(name, details)`
// asks for one of the acts: pin {}, go {key}, unpin {key}, interpolate {from, to}, where an end is the key of a pin or the
// `structure` of a pin of another explorer. Symbols are plain text ("P6_3/mmc"), pictures are SVG and for <img> only.
// A pin that is dragged carries JSON {explorer, key} of the type PIN_TYPE.
// The extension has the same in extension/src/latentspace/registry.ts.
const REGISTRY_VERSION = 1;
const EXPLORER_FIELDS = ["id", "kernel", "model", "formula", "shown", "full", "pins", "node", "act"];
const PIN_FIELDS = ["key", "formula", "label", "group", "symbol", "picture", "cif", "code", "structure"];
const PIN_TYPE = "application/vnd.xcrystal.pin+json";

// Null where something of another version is in its place.
function explorersOfPage() {
  const known = globalThis.xcrystalExplorers;
  if (known) return known.version === REGISTRY_VERSION ? known : null;
  const made = Object.assign(new EventTarget(), { version: REGISTRY_VERSION, explorers: new Map() });
  globalThis.xcrystalExplorers = made;
  return made;
}

// Puts an explorer among those of the page while its kernel answers; gives what ends that.
function listExplorer(model) {
  const roots = new Set(), id = model.get("uid");
  let registry = null;
  const changed = () => registry?.dispatchEvent(new Event("change"));
  const entry = {
    id,
    kernel: model.widget_manager?.kernel?.id ?? "",
    get model() { return model.get("state").model; },
    get formula() { return model.get("state").formula; },
    get shown() { return model.get("state").shown; },
    get full() { return model.get("state").full || model.get("state").hidden; },
    get pins() { return model.get("pins"); },
    node: () => [...roots].find((root) => root.isConnected) ?? [...roots][0] ?? null,
    act: (name, details) => model.send({ ...details, act: name }),
    roots,
  };
  const heard = (message) => {
    if (message?.type !== "here" || registry) return;
    registry = explorersOfPage();
    registry?.explorers.set(id, entry);
    changed();
  };
  const end = () => {
    if (registry?.explorers.get(id) === entry) registry.explorers.delete(id);
    changed();
    registry = null;
  };
  model.on("msg:custom", heard);
  model.on("change:pins", changed);
  model.on("change:state", changed);
  model.on("comm_live_update", end);  // the kernel is restarted, so that nobody answers any more
  model.send({ act: "here" });
  return () => {
    end();
    for (const [event, listener] of [["msg:custom", heard], ["change:pins", changed], ["change:state", changed],
      ["comm_live_update", end]]) model.off(event, listener);
  };
}
