// A row of tabs that shows one of the boxes beside it.
function render({ model, el: root }) {
  const labels = model.get("labels");
  const bar = el("div", { class: "xc-tabbar", role: "tablist", "aria-label": "Ways through latent space" });
  let current = labels[0][0];
  const tabs = labels.map(([name, label], k) => el("button", { class: `xc-tab xc-tab-${name}`, type: "button", role: "tab",
    onclick: () => open(name),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = step ? (k + step + labels.length) % labels.length : { Home: 0, End: labels.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      open(labels[to][0]);
      tabs[to].focus();
    } }, label));
  bar.append(...tabs);
  const hints = labels.map(([, , said]) => el("div", { class: "xc-hint" }, hint(said)));
  root.append(bar, ...hints);

  const boxes = () => [...(root.closest(".xc-tabbed")?.children ?? [])];
  const open = (name) => {
    current = name;
    labels.forEach(([other], k) => {
      tabs[k].setAttribute("aria-selected", String(other === name));
      tabs[k].tabIndex = other === name ? 0 : -1;
      hints[k].classList.toggle("xc-folded", other !== name);
    });
    for (const box of boxes()) {
      const [own] = labels.find(([other]) => box.classList.contains(other)) ?? [null];
      if (!own) continue;
      box.setAttribute("role", "tabpanel");
      box.classList.toggle("xc-folded", own !== name);
    }
  };
  // the boxes arrive one by one, and lessons may hide some
  const settle = () => {
    const explorer = root.closest(".xc-explorer");
    const hidden = (name) => explorer?.classList.contains(`xc-hide-${name.replace("xc-", "")}`);
    const offered = labels.map(([name]) => name).filter((name) => !hidden(name));
    labels.forEach(([name], k) => { tabs[k].hidden = !offered.includes(name); });
    open(offered.includes(current) || !offered.length ? current : offered[0]);
  };
  const asked = ({ type, name }) => { if (type === "front" && tabs.some((tab, k) => labels[k][0] === name && !tab.hidden)) open(name); };
  model.on("msg:custom", asked);
  const observer = new MutationObserver(settle);
  const attach = () => {
    const parent = root.closest(".xc-tabbed"), explorer = root.closest(".xc-explorer");
    if (!parent || !explorer) { if (!attach.ended) requestAnimationFrame(attach); return; }
    observer.observe(parent, { childList: true });
    observer.observe(explorer, { attributes: true, attributeFilter: ["class"] });
    settle();
  };
  attach();
  return () => { attach.ended = true; observer.disconnect(); model.off("msg:custom", asked); };
}
export default { render };
