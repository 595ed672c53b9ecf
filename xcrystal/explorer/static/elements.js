// The periodic table as a grid: where each element stands, and which one the arrow keys go to.

// Column and row of each element; the f block stands below the others.
function placeOf(z) {
  const starts = [1, 3, 11, 19, 37, 55, 87, 119], period = starts.findIndex((start) => start > z);
  const past = z - starts[period - 1] + 1, length = starts[period] - starts[period - 1];
  if (past <= 2 && !(z === 2)) return [past, period];
  if (length === 32) {
    if (past >= 3 && past <= 16) return [past + 1, period + 3];
    return [past - 14, period];
  }
  return [18 - (length - past), period];
}

function gridPlace(z) {
  const [column, row] = placeOf(z);
  return `grid-column:${column};grid-row:${row}`;
}

// Moves the focus among the nodes of a table (a Map from atomic number to node): one of them can be reached by Tab and
// the others by arrows, which jump over empty places. Where the table has gaps, "leap" goes to the nearest element that
// lies that way at all, so that each can be reached.
function walkElements(nodes, event, z, leap = false) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!steps) return;
  event.preventDefault();
  event.stopPropagation();
  const [column, row] = placeOf(z);
  let next = null, nearest = Infinity;
  for (const other of nodes.keys()) {
    const [c, r] = placeOf(other), along = (c - column) * steps[0] + (r - row) * steps[1];
    const aside = Math.abs((c - column) * steps[1]) + Math.abs((r - row) * steps[0]);
    if (along <= 0 || (aside && !leap)) continue;
    const far = along + 20 * aside;  // first whatever is in line
    if (far < nearest) { nearest = far; next = other; }
  }
  if (next === null) return;
  for (const [other, node] of nodes) node.tabIndex = other === next ? 0 : -1;
  nodes.get(next).focus();
}
