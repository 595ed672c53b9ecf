/** Small charts over frames or steps: one lane a quantity, told apart by colour, dashes and marks. */
import { type Child, el, svg } from '../../dom';

/** A quantity along the frames. */
export interface ILane {
  title: string;
  unit: string;
  digits: number;
  /** One a frame; null where there is none. */
  values: (number | null)[];
  /** Drawn as a thin line behind them. */
  thin?: (number | null)[] | null;
  /** A dashed line, if it lies within the values. */
  limit?: number | null;
}

/** What is drawn. */
export interface ILanes {
  lanes: ILane[];
  /** Frames. */
  count: number;
  /** The frame that is shown, if one is. */
  current: number | null;
  /** Whether each frame is drawn grey. */
  bad?: boolean[];
  label: string;
}

type Mark = 'circle' | 'square' | 'diamond' | 'triangle' | 'cross';

const LOOKS: readonly { color: string; dash: string; kind: Mark }[] = [
  { color: '#0072b2', dash: '', kind: 'circle' },
  { color: '#d55e00', dash: '6 3', kind: 'square' },
  { color: '#009e73', dash: '2 3', kind: 'diamond' },
  { color: '#cc79a7', dash: '8 3 2 3', kind: 'triangle' },
  { color: '#56b4e9', dash: '1 2', kind: 'cross' },
  { color: '#999999', dash: '4 4', kind: 'circle' }
];
const [LEFT, RIGHT, TOP] = [6, 8, 15]; // pixels

/** "−3.20", with a real minus; a dash for nothing. */
export function decimal(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) {
    return '–';
  }
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
}

/** A chart that fits its box. */
export class LaneChart {
  /**
   * @param onSelect - Called with the frame that is clicked.
   * @param onHover - Called with the frame under the mouse, or null.
   * @param height - Of a lane, in pixels.
   */
  constructor({
    onSelect,
    onHover,
    height = 40
  }: {
    onSelect?: (frame: number) => void;
    onHover?: (frame: number | null) => void;
    height?: number;
  }) {
    this.height = height;
    const hover = (frame: number | null) => {
      if (frame !== this.hovered) {
        this.hovered = frame;
        onHover?.(frame);
        this.moveCursors();
      }
    };
    this.node.addEventListener('pointermove', event => hover(this.frameAt(event)));
    this.node.addEventListener('pointerleave', () => hover(null));
    this.node.addEventListener('click', event => {
      const frame = this.frameAt(event);
      if (frame !== null) {
        onSelect?.(frame);
      }
    });
    this.node.classList.toggle('xc-clickable', Boolean(onSelect));
    this.observer.observe(this.node);
  }

  /** The box. */
  readonly node = el('div', { class: 'xc-chart' });

  /** Draw these, or nothing. */
  draw(next: ILanes | null): void {
    const key = next ? JSON.stringify({ ...next, current: null }) : '';
    this.shown = next;
    if (key === this.key) {
      this.moveCursors();
    } else {
      this.key = key;
      this.hovered = null;
      this.paint();
    }
  }

  /** Stop following the size of the box. */
  end(): void {
    this.observer.disconnect();
  }

  private frameAt(event: MouseEvent): number | null {
    if (!this.shown || this.shown.count < 1) {
      return null;
    }
    const last = this.shown.count - 1;
    const { left, width } = this.node.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / Math.max(1, width - LEFT - RIGHT);
    return Math.max(0, Math.min(last, Math.round(share * last)));
  }

  private moveCursors(): void {
    const move = (line: SVGLineElement | null, frame: number | null) => {
      line?.setAttribute('visibility', frame === null ? 'hidden' : 'visible');
      if (frame !== null) {
        line?.setAttribute('x1', String(this.across(frame)));
        line?.setAttribute('x2', String(this.across(frame)));
      }
    };
    move(this.cursor, this.shown?.current ?? null);
    move(this.hoverLine, this.hovered);
  }

  private paint(): void {
    if (!this.shown) {
      this.node.replaceChildren();
      return;
    }
    const width = Math.max(160, this.node.clientWidth || 320);
    const { lanes, count, bad = [], label } = this.shown;
    const inner = width - LEFT - RIGHT;
    const total = lanes.length * (this.height + TOP);
    const step = count > 1 ? inner / (count - 1) : width;
    this.across = frame => LEFT + (count > 1 ? frame / (count - 1) : 0.5) * inner;
    const grey = bad.map(
      (isBad, k) =>
        isBad &&
        svg('rect', {
          class: 'xc-bad',
          x: this.across(k) - step / 2,
          width: step,
          y: 0,
          height: total
        })
    );
    this.cursor = svg('line', { class: 'xc-cursor', y1: 0, y2: total });
    this.hoverLine = svg('line', { class: 'xc-hover', y1: 0, y2: total });
    this.node.replaceChildren(
      svg(
        'svg',
        {
          width,
          height: total,
          viewBox: `0 0 ${width} ${total}`,
          role: 'img',
          'aria-label': label
        },
        this.hoverLine,
        this.cursor,
        grey,
        lanes.map((lane, n) => this.laneOf(lane, n, width, count))
      )
    );
    this.moveCursors();
  }

  private laneOf(lane: ILane, n: number, width: number, count: number): Child {
    const { color, dash, kind } = LOOKS[n % LOOKS.length];
    const above = n * (this.height + TOP);
    const below = above + this.height + TOP - 0.5;
    const known = lane.values.filter(value => value !== null);
    const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : [null, null];
    const thin = lane.thin ?? [];
    const [low, high] = range([...known, ...thin.filter(value => value !== null)], lane.digits);
    const y = (value: number) =>
      above + TOP + 4 + (this.height - 10) * (1 - (value - low) / (high - low));
    const limit = lane.limit ?? null;
    const placed = (values: (number | null)[]) =>
      values.flatMap((value, k): [number, number][] =>
        value === null ? [] : [[this.across(k), y(value)]]
      );
    const line = (places: [number, number][]) =>
      places.map(place => place.map(x => x.toFixed(1)).join(',')).join(' ');
    const points = placed(lane.values);
    return [
      svg('line', { class: 'xc-ruler', x1: 0, x2: width, y1: below, y2: below }),
      svg(
        'text',
        { class: 'xc-lane', x: LEFT + 14, y: above + 11 },
        lane.title,
        svg('tspan', { class: 'xc-unit' }, lane.unit ? ` (${lane.unit})` : '')
      ),
      mark(kind, LEFT + 5, above + 7.5, 3.2, color),
      svg(
        'text',
        { class: 'xc-range', x: width - RIGHT, y: above + 11, 'text-anchor': 'end' },
        `${decimal(least, lane.digits)} to ${decimal(most, lane.digits)}`
      ),
      limit !== null &&
        limit > low &&
        limit < high &&
        svg('line', { class: 'xc-limit', x1: LEFT, x2: width - RIGHT, y1: y(limit), y2: y(limit) }),
      thin.length > 0 &&
        svg('polyline', {
          class: 'xc-thin',
          points: line(placed(thin)),
          fill: 'none',
          stroke: color,
          'stroke-width': 0.7
        }),
      svg('polyline', {
        points: line(points),
        fill: 'none',
        stroke: color,
        'stroke-width': 1.8,
        'stroke-dasharray': dash || null
      }),
      count <= 60 && points.map(([px, py]) => mark(kind, px, py, count > 30 ? 1.4 : 2.2, color))
    ];
  }

  private readonly height: number;
  private readonly observer = new ResizeObserver(() => {
    const { clientWidth, firstElementChild } = this.node;
    if (clientWidth && clientWidth !== firstElementChild?.clientWidth) {
      this.paint();
    }
  });
  private shown: ILanes | null = null;
  private hovered: number | null = null;
  private key = '';
  private across: (frame: number) => number = () => 0;
  private cursor: SVGLineElement | null = null;
  private hoverLine: SVGLineElement | null = null;
}

/** The ends of a lane's axis; rounding noise is not drawn as mountains. */
export function range(known: readonly number[], digits: number): [number, number] {
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const least = 4 * 10 ** -digits;
  if (high - low >= least) {
    return [low, high];
  }
  const middle = (high + low) / 2;
  return [middle - least / 2, middle + least / 2];
}

function mark(kind: Mark, x: number, y: number, r: number, color: string): SVGElement {
  const look = { fill: color, stroke: color, 'stroke-width': 1 };
  switch (kind) {
    case 'square':
      return svg('rect', { ...look, x: x - r, y: y - r, width: 2 * r, height: 2 * r });
    case 'diamond': {
      const d = 1.4 * r;
      return svg('path', { ...look, d: `M${x} ${y - d}l${d} ${d}l${-d} ${d}l${-d} ${-d}z` });
    }
    case 'triangle': {
      const d = 1.3 * r;
      return svg('path', { ...look, d: `M${x} ${y - d}l${d} ${2.3 * r}h${-2 * d}z` });
    }
    case 'cross': {
      const d = `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
      return svg('path', { ...look, fill: 'none', 'stroke-width': 1.8, d });
    }
    case 'circle':
      return svg('circle', { ...look, cx: x, cy: y, r });
  }
}
