// Small buttons that explain a word; a panel that uses them is put together from glossary.js and its own script.
const TERM_KINDS = {
  model: "A trained model says this; it may be wrong.",
  "deterministic chemistry": "Fixed rules of chemistry, no trained model.",
  both: "Fixed rules, applied to what a trained model says.",
};

// A button that opens a text beside it: by mouse, Enter or Space; Escape or a click elsewhere closes it.
function explained(button, name, ...content) {
  const text = el("div", { class: "xc-term-text", role: "note", popover: "auto",
    id: `xc-term-${Math.random().toString(36).slice(2)}` }, name && el("b", {}, name), ...content);
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", text.id);
  text.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    const at = button.getBoundingClientRect(), box = text.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, innerWidth - box.width - 8));
    const below = at.bottom + 4 + box.height < innerHeight;
    text.style.left = `${left}px`;
    text.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - box.height - 4)}px`;
  });
  let wasOpen = false;  // a press on the button closes the text before the click would open it again
  button.addEventListener("pointerdown", () => { wasOpen = text.matches(":popover-open"); });
  button.addEventListener("click", (event) => {
    event.preventDefault();  // inside of a summary or a label it must not do what that does
    event.stopPropagation();
    if (event.detail === 0) wasOpen = text.matches(":popover-open");  // from the keyboard
    if (!wasOpen) text.showPopover(); else if (text.matches(":popover-open")) text.hidePopover();
  });
  return [button, text];
}

// A question mark that explains a term: name, text and kind are those of an entry of glossary.py.
function termButton(name, text, kind) {
  const button = el("button", { type: "button", class: "xc-term", "aria-label": `What is meant by ${name}?` });
  return explained(button, name, el("p", {}, text), TERM_KINDS[kind] && el("p", { class: "xc-term-kind" }, TERM_KINDS[kind]));
}

// The same by name, from the terms in a panel's state; nothing if the panel explains nothing now.
function term(terms, name) {
  const found = terms?.[name];
  return found ? termButton(found.name, found.text, found.kind) : [];
}

// Sentences for beginners, with buttons that explain terms.
function hint({ text, terms }) {
  return el("p", { class: "xc-hint-text" }, text, " ",
    Object.keys(terms).map((name) => el("span", { class: "xc-hint-term" }, name, term(terms, name))));
}
