// Sentences for beginners, with buttons that explain terms.
function render({ model, el: root }) {
  const { text, terms } = model.get("state");
  root.append(el("p", { class: "xc-hint-text" }, text, " ",
    Object.keys(terms).map((name) => el("span", { class: "xc-hint-term" }, name, term(terms, name)))));
}
export default { render };
