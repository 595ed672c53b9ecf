/** Phase diagrams of two or three elements: known crystals, the hull that they make, and where the crystal stands. */
import { type Child, svg } from '../../dom';
import { formulaParts } from '../../formula';
import { decimal } from './lane_chart';

/** A known crystal; the place is from 0 to 1, energies are in eV/atom. */
export type PhasePoint = [
  formula: string,
  id: string,
  x: number,
  y: number,
  energy: number,
  above: number
];

/** A phase diagram. */
export interface IDiagram {
  elements: string[];
  /** Those on the hull last. */
  points: PhasePoint[];
  /** Pairs of points. */
  edges: [number, number][];
  own: {
    formula: string;
    source: string;
    place: [number, number];
    energy: number | null;
    above: number | null;
  };
}

interface IBox {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const STABLE = '#0072b2';
const OTHER = '#999999';
const OWN = '#d55e00';
const TOLERANCE = 1e-6; // eV/atom
const HEIGHT = Math.sqrt(3) / 2; // of the triangle, whose sides are 1
const LETTER = 5.6; // pixels

/**
 * The drawing.
 *
 * @param width - Of the box that it is for, in pixels.
 * @param onSelect - Called with the id of a known crystal that is clicked.
 */
export function drawDiagram(
  diagram: IDiagram,
  width: number,
  onSelect: (id: string) => void
): SVGElement {
  return diagram.elements.length === 2
    ? binary(diagram, width, onSelect)
    : ternary(diagram, width, onSelect);
}

/** What is drawn, for those who cannot see it. */
export function diagramWords({ elements, points, own }: IDiagram): string {
  const stable = points.filter(point => point[5] <= TOLERANCE).map(([formula]) => formula);
  const above = own.above === null ? '' : `, ${heightWords(own.above)}`;
  return `Phase diagram of ${elements.join(', ')}. On the hull: ${stable.join(', ')}. ${own.formula}${above}.`;
}

function binary(diagram: IDiagram, width: number, onSelect: (id: string) => void): SVGElement {
  const [left, right, top, bottom, tall] = [52, 16, 16, 34, 230];
  const { own } = diagram;
  const energies = [...diagram.points.map(point => point[4]), own.energy ?? 0, 0];
  const [low, high] = [Math.min(...energies), Math.max(...energies)];
  const span = Math.max(high - low, 0.1);
  const across = (x: number) => left + x * (width - left - right);
  const down = (energy: number) => top + ((high - energy) / span) * (tall - top - bottom);
  const ticks = ticksOf(low, high);
  const frame: Child = [
    ticks.map(tick => [
      svg('line', {
        class: 'xc-ruler',
        x1: left,
        x2: width - right,
        y1: down(tick),
        y2: down(tick)
      }),
      svg(
        'text',
        { class: 'xc-tick', x: left - 5, y: down(tick) + 4, 'text-anchor': 'end' },
        decimal(tick, span > 1 ? 1 : 2)
      )
    ]),
    svg(
      'text',
      {
        class: 'xc-tick',
        transform: `translate(11 ${(top + tall - bottom) / 2}) rotate(-90)`,
        'text-anchor': 'middle'
      },
      'formation energy (eV/atom)'
    ),
    diagram.elements.map((element, k) =>
      svg(
        'text',
        { class: 'xc-corner', x: across(k), y: tall - 10, 'text-anchor': 'middle' },
        element
      )
    )
  ];
  const places = diagram.points.map((point): [number, number] => [
    across(point[2]),
    down(point[4])
  ]);
  const ownPlace: [number, number] | null =
    own.energy === null ? null : [across(own.place[0]), down(own.energy)];
  return picture(diagram, width, tall, frame, places, ownPlace, onSelect);
}

function ternary(diagram: IDiagram, width: number, onSelect: (id: string) => void): SVGElement {
  const [margin, top] = [34, 20];
  const side = Math.min(width - 2 * margin, 360);
  const left = (width - side) / 2;
  const place = ([x, y]: [number, number]): [number, number] => [
    left + x * side,
    top + (HEIGHT - y) * side
  ];
  const tall = top + HEIGHT * side + 24;
  const corners: [number, number][] = [
    [0, 0],
    [1, 0],
    [0.5, HEIGHT]
  ];
  const frame: Child = diagram.elements.map((element, k) => {
    const [x, y] = place(corners[k]);
    return svg(
      'text',
      { class: 'xc-corner', x, y: k === 2 ? y - 8 : y + 18, 'text-anchor': 'middle' },
      element
    );
  });
  const places = diagram.points.map(point => place([point[2], point[3]]));
  return picture(diagram, width, tall, frame, places, place(diagram.own.place), onSelect);
}

/** Edges, points, and as many names as there is room for: first the crystal's own, then those on the hull. */
function picture(
  diagram: IDiagram,
  width: number,
  tall: number,
  frame: Child,
  places: [number, number][],
  ownPlace: [number, number] | null,
  onSelect: (id: string) => void
): SVGElement {
  const { own, points, edges } = diagram;
  const taken: IBox[] = places
    .filter((_, k) => points[k][5] <= TOLERANCE)
    .map(([x, y]) => around(x, y, 4));
  const named = (formula: string, place: [number, number], css: string): Child => {
    const box = roomFor(formula, place, width, taken);
    if (!box) {
      return null;
    }
    taken.push(box);
    return svg(
      'text',
      { class: css, x: box.left, y: box.bottom - 4 },
      formulaParts(formula).map(({ text, subscript }) =>
        subscript ? svg('tspan', { class: 'xc-sub', 'baseline-shift': 'sub' }, text) : text
      )
    );
  };
  const ownName = ownPlace && named(own.formula, ownPlace, 'xc-own-name');
  const isElement = (formula: string) =>
    diagram.elements.some(element => formula.replace(/\d+$/, '') === element);
  return svg(
    'svg',
    {
      class: 'xc-phase-diagram',
      width,
      height: tall,
      viewBox: `0 0 ${width} ${tall}`,
      role: 'group',
      'aria-label': diagramWords(diagram)
    },
    frame,
    edges.map(([a, b]) =>
      svg('line', {
        class: 'xc-hull-edge',
        x1: places[a][0],
        y1: places[a][1],
        x2: places[b][0],
        y2: places[b][1],
        stroke: STABLE
      })
    ),
    points.map((point, k) => pointOf(point, places[k], onSelect)),
    points.map(
      ([formula, , , , , above], k) =>
        above <= TOLERANCE && !isElement(formula) && named(formula, places[k], 'xc-phase-name')
    ),
    ownPlace && ownMark(diagram, ownPlace),
    ownName
  );
}

/** How far from the hull something lies, eV/atom, and on which side. */
function heightWords(above: number): string {
  return `${decimal(Math.abs(above), 3)} eV/atom ${above < 0 ? 'below' : 'above'} the hull`;
}

function pointOf(
  [formula, id, , , energy, above]: PhasePoint,
  [x, y]: [number, number],
  onSelect: (id: string) => void
): SVGElement {
  const stable = above <= TOLERANCE;
  const known = id ? ` (${id})` : '';
  const hull = stable ? 'on the hull' : heightWords(above);
  const mark = stable
    ? svg('circle', { cx: x, cy: y, r: 3.6, fill: STABLE })
    : svg('path', {
        d: `M${x - 2.5} ${y - 2.5}l5 5m0 -5l-5 5`,
        stroke: OTHER,
        'stroke-width': 1.4,
        fill: 'none'
      });
  const told = `${formula}${known}: ${decimal(energy, 3)} eV/atom, ${hull}`;
  const node = svg(
    'g',
    id
      ? { class: 'xc-phase-point xc-clickable', role: 'button', tabindex: 0, 'aria-label': told }
      : { class: 'xc-phase-point' },
    svg('title', {}, told),
    svg('circle', { cx: x, cy: y, r: 7, fill: 'transparent' }),
    mark
  );
  if (id) {
    node.addEventListener('click', () => onSelect(id));
    node.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        onSelect(id);
      }
    });
  }
  return node;
}

function ownMark({ own }: IDiagram, [x, y]: [number, number]): SVGElement {
  const energy = own.energy === null ? 'energy not known' : `${decimal(own.energy, 3)} eV/atom`;
  const above = own.above === null ? '' : `, ${heightWords(own.above)}`;
  return svg(
    'g',
    { class: 'xc-own-phase' },
    svg('title', {}, `${own.formula}, this crystal (${own.source}): ${energy}${above}`),
    svg('path', {
      d: `M${x} ${y - 7}l6 7l-6 7l-6 -7z`,
      fill: OWN,
      'fill-opacity': 0.85,
      stroke: 'white',
      'stroke-width': 1
    })
  );
}

/** Where a name can stand beside a place without covering what is there; null if nowhere. */
function roomFor(
  formula: string,
  [x, y]: [number, number],
  width: number,
  taken: readonly IBox[]
): IBox | null {
  const long = formula.length * LETTER + 4;
  const starts: [number, number][] = [
    [x + 8, y - 8],
    [x - 8 - long, y - 8],
    [x - long / 2, y - 23],
    [x - long / 2, y + 8],
    [x + 6, y - 20],
    [x - 6 - long, y - 20]
  ];
  for (const [left, top] of starts) {
    const box = { left, right: left + long, top, bottom: top + 15 };
    const isInside = left >= 0 && box.right <= width && top >= 0;
    if (isInside && !taken.some(other => overlap(box, other))) {
      return box;
    }
  }
  return null;
}

function around(x: number, y: number, r: number): IBox {
  return { left: x - r, right: x + r, top: y - r, bottom: y + r };
}

function overlap(a: IBox, b: IBox): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Three to six round numbers from low to high. */
export function ticksOf(low: number, high: number): number[] {
  const rough = Math.max(high - low, 0.1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, k) => (first + k) * step);
}
