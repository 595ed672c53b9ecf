// What the scripts of all panels have in common. It is put in front of each of them.
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  // strings become text, never markup
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// An element: el("button", { class: "xc-go", title: "Go", onclick: go }, "Go")
function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), props, children);
}

// A formula with its numbers as subscripts: those after a letter or a bracket.
function withSubscripts(formula) {
  return formula.split(/((?<=[A-Za-z)\]])\d+(?:\.\d+)?)/).map((part, k) => (k % 2 ? el("sub", {}, part) : part));
}

// Sends the newest value only, the next one after the answer to the last, so that nothing ever queues.
function latest(model, send) {
  let waiting = null, sent = null, late = 0;
  const flush = () => {
    clearTimeout(late);
    if (waiting === null) { sent = null; return; }
    const value = waiting;
    waiting = null;
    sent = model.get("state").answered;
    send(value);
    late = setTimeout(flush, 3000);  // an answer that never comes must not silence a control for ever
  };
  model.on("change:state", () => { if (sent !== null && model.get("state").answered !== sent) flush(); });
  return (value) => { waiting = value; if (sent === null) flush(); };
}

// Keys are for the control that has the focus, not for the notebook around it: JupyterLab asks that very element.
function ownKeys(root) {
  root.addEventListener("focusin", (event) => { event.target.dataset.lmSuppressShortcuts = "true"; });
}

// Puts new children into a node only when what they show has changed, so that focus and hover survive.
function show(node, key, make) {
  const text = JSON.stringify(key);
  if (node.dataset.shows === text) return;
  node.dataset.shows = text;
  node.replaceChildren(...[make()].flat(Infinity).filter((child) => child !== null && child !== undefined));
}

// Calls once the crystal is drawn, or after some seconds where none is: what can wait must not delay it. Gives what cancels.
function whenDrawn(root, then) {
  const begun = performance.now();
  const timer = setInterval(() => {
    const drawn = root.closest(".xc-explorer")?.querySelector(".xc-canvas [data-drawn], .xc-canvas[data-drawn]");
    if (!drawn && performance.now() - begun < 8000) return;
    clearInterval(timer);
    then();
  }, 500);
  return () => clearInterval(timer);
}

// Saves the files that Python offers; returns what ends that.
function takeDownloads(model) {
  const take = (message, buffers) => {
    if (message?.type !== "download") return;
    const address = URL.createObjectURL(new Blob([buffers[0]], { type: message.kind }));
    const link = el("a", { href: address, download: message.name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };
  model.on("msg:custom", take);
  return () => model.off("msg:custom", take);
}
