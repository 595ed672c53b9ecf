/** Where the axes of a crystal point: three lettered arrows in a corner of its picture, which turn with it. */
import { svg } from './dom';
import { type Matrix, dot, norm } from './lattice';
import type { View } from './view';

const SIZE = 84; // pixels
const [REACH, LETTER, HEAD] = [26, 35, 6]; // pixels from the middle; of the head of an arrow
// told apart by those who see red and green alike, too
const AXES = [
  ['a', '#d55e00'],
  ['b', '#009e73'],
  ['c', '#0072b2']
] as const;

/** The arrows, for one canvas. */
export class Triad {
  /** @param label - What a screen reader says of it. */
  constructor(label: string) {
    this.node = svg('svg', {
      class: 'xc-triad',
      role: 'img',
      'aria-label': label,
      width: SIZE,
      height: SIZE,
      viewBox: `${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`
    });
  }

  /** What stands in the page; of each arrow `data-x`, `data-y` and `data-z` say how far right, up and near it points. */
  readonly node: SVGSVGElement;

  /** Draw the axes of a lattice as they are seen; nothing for null. */
  draw(view: View, lattice: Readonly<Matrix> | null): void {
    const arrows = (lattice ?? []).map((vector, axis) => {
      const [x, y, z] = view.map(row => dot(row, vector) / norm(vector));
      const [name, colour] = AXES[axis];
      return { x, y, z, name, colour };
    });
    arrows.sort((one, other) => one.z - other.z); // what is nearer is drawn over what is farther
    this.node.replaceChildren(...arrows.map(drawArrow));
  }
}

interface IArrow {
  x: number;
  y: number;
  z: number;
  name: string;
  colour: string;
}

function drawArrow({ x, y, z, name, colour }: IArrow): SVGGElement {
  const length = Math.hypot(x, y);
  const data = { 'data-x': x.toFixed(3), 'data-y': y.toFixed(3), 'data-z': z.toFixed(3) };
  const letter = (right: number, up: number) =>
    svg('text', { x: right.toFixed(1), y: (4.5 - up).toFixed(1), fill: 'currentColor' }, name);
  if (length < 0.12) {
    // straight to the eye, or away from it
    const end = svg('circle', {
      r: 4,
      fill: z > 0 ? 'currentColor' : 'none',
      stroke: 'currentColor'
    });
    return svg('g', { 'data-axis': name, color: colour, ...data }, end, letter(-10, -10));
  }
  const tip = [REACH * x, REACH * y];
  const [right, up] = [x / length, y / length];
  const corner = (side: number) => {
    const back = HEAD * Math.min(1, 0.4 + length);
    const across = (side * HEAD) / 2;
    return `${(tip[0] - back * right - across * up).toFixed(1)},${(-tip[1] + back * up - across * right).toFixed(1)}`;
  };
  const beyond = REACH * length + LETTER - REACH;
  return svg(
    'g',
    { 'data-axis': name, color: colour, ...data },
    svg('line', {
      x2: (tip[0] - 3 * right).toFixed(1),
      y2: (3 * up - tip[1]).toFixed(1),
      stroke: 'currentColor'
    }),
    svg('polygon', {
      points: `${tip[0].toFixed(1)},${(-tip[1]).toFixed(1)} ${corner(1)} ${corner(-1)}`,
      fill: 'currentColor'
    }),
    letter(beyond * right, beyond * up)
  );
}
