/** The periodic table as a grid: where each element stands, and which one the arrow keys go to. */

const STARTS = [1, 3, 11, 19, 37, 55, 87, 119]; // atomic numbers that begin a period

const STEPS: Readonly<Record<string, [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
};

/** Column and row of each element; the f block stands below the others. */
export function placeOf(z: number): [number, number] {
  const period = STARTS.findIndex(start => start > z);
  const past = z - STARTS[period - 1] + 1;
  const length = STARTS[period] - STARTS[period - 1];
  if (past <= 2 && z !== 2) {
    return [past, period];
  }
  if (length === 32) {
    return past <= 16 ? [past + 1, period + 3] : [past - 14, period];
  }
  return [18 - (length - past), period];
}

/** The same as a style. */
export function gridPlace(z: number): string {
  const [column, row] = placeOf(z);
  return `grid-column:${column};grid-row:${row}`;
}

/** The element that an arrow key goes to from another; null if there is none that way, or it is no arrow. */
export function neighbourOf(
  z: number,
  key: string,
  numbers: Iterable<number>,
  leap = false
): number | null {
  if (!(key in STEPS)) {
    return null;
  }
  const [right, down] = STEPS[key];
  const [column, row] = placeOf(z);
  let next: number | null = null;
  let nearest = Infinity;
  for (const other of numbers) {
    const [c, r] = placeOf(other);
    const along = (c - column) * right + (r - row) * down;
    const aside = Math.abs((c - column) * down) + Math.abs((r - row) * right);
    if (along <= 0 || (aside && !leap)) {
      continue;
    }
    const far = along + 20 * aside; // first whatever is in line
    if (far < nearest) {
      nearest = far;
      next = other;
    }
  }
  return next;
}

/**
 * Moves the focus among the nodes of a table: one of them can be reached by Tab and the others by arrows.
 *
 * @param nodes - From atomic number to node.
 * @param leap - Whether an arrow may go to the nearest element that lies that way at all, so that each can be
 *   reached in a table with gaps; otherwise it only jumps over empty places.
 */
export function walkElements(
  nodes: ReadonlyMap<number, HTMLElement>,
  event: KeyboardEvent,
  z: number,
  leap = false
): void {
  if (!(event.key in STEPS)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const next = neighbourOf(z, event.key, nodes.keys(), leap);
  if (next === null) {
    return;
  }
  for (const [other, node] of nodes) {
    node.tabIndex = other === next ? 0 : -1;
  }
  nodes.get(next)?.focus();
}
