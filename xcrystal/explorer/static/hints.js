// Sentences for beginners above one part of the explorer.
function render({ model, el: root }) {
  root.append(hint(model.get("state")));
}
export default { render };
