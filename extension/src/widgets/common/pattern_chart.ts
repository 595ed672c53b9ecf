/** Powder patterns over one axis: curves told apart by colour, dashes and dots, and peaks that say their planes. */
import { type Child, el, svg } from '../../dom';
import { formulaParts } from '../../formula';

/** One peak. */
export type Peak = [
  /** In the unit of the axis. */
  position: number,
  d: number,
  /** Per cent of the strongest. */
  intensity: number,
  planes: string,
  multiplicity: number
];

/** One pattern. */
export interface ICurve {
  name: string;
  /** Symbol of the space group; empty if it is measured. */
  group: string;
  second: boolean;
  /** Per mille of the highest at even steps of the axis; -1 where it is not known. */
  y: number[];
  /** Of a measured pattern none. */
  peaks: Peak[];
}

/** What is drawn. */
export interface IPatterns {
  title: string;
  /** The ends of the axis. */
  span: [low: number, high: number];
  curves: ICurve[];
}

/** A peak, and whose it is. */
export interface IFound {
  curve: ICurve;
  peak: Peak;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [10, 10, 46, 34]; // pixels
const ROW = 9; // pixels of the marks of one pattern
const HEIGHT = 180; // pixels of the highest peak
const NEAR = 6; // pixels
const MOST_LABELS = 8;
const APART = 30; // pixels between two labels
const WEAKEST = 0.5; // per cent of what arrow keys go to, unless nothing is stronger
const FONT = 11; // pixels
const LOOKS = [
  { color: '#0072b2', dash: null },
  { color: '#d55e00', dash: '5 3' }
] as const;

/** A chart that fits its box. */
export class PatternChart {
  /** @param onPeak - Called with the peak under the mouse or reached by arrow keys, or null. */
  constructor(private readonly onPeak: (found: IFound | null) => void) {
    this.node.addEventListener('pointermove', event => {
      const found = this.peakAt(event);
      if (found !== this.shownPeak) {
        this.point(found);
      }
    });
    this.node.addEventListener('pointerleave', () => this.point(null));
    this.node.addEventListener('keydown', event => this.step(event));
    this.observer.observe(this.node);
  }

  /** The box. */
  readonly node = el('div', {
    class: 'xc-pattern',
    tabindex: '0',
    role: 'slider',
    'aria-label': 'Peaks of the powder pattern; arrow keys go from peak to peak'
  });

  /** Draw these, or nothing. */
  draw(next: IPatterns | null): void {
    const key = JSON.stringify(next);
    if (key !== this.key) {
      this.key = key;
      this.patterns = next;
      this.paint();
    }
  }

  /** The drawing as a file of its own, on white; empty if there is none. */
  picture(): string {
    const drawn = this.node.querySelector('svg');
    if (!drawn) {
      return '';
    }
    const copy = drawn.cloneNode(true) as SVGSVGElement;
    copy.setAttribute('style', 'color: #111; background: white; font-family: sans-serif');
    copy.removeAttribute('aria-hidden');
    copy.querySelector('.xc-pattern-pointer')?.remove();
    return new XMLSerializer().serializeToString(copy);
  }

  /** Stop following the size of the box. */
  end(): void {
    this.observer.disconnect();
  }

  private readonly observer = new ResizeObserver(() => {
    const { clientWidth, firstElementChild } = this.node;
    if (clientWidth && clientWidth !== firstElementChild?.clientWidth) {
      this.paint();
    }
  });
  private key = '';
  private patterns: IPatterns | null = null;
  private shownPeak: IFound | null = null;
  private found: IFound[] = [];
  private pointer: SVGGElement | null = null;
  private across: (position: number) => number = () => 0;

  private paint(): void {
    this.point(null);
    const { patterns } = this;
    this.found = (patterns?.curves ?? [])
      .flatMap(curve => curve.peaks.map(peak => ({ curve, peak })))
      .sort((a, b) => a.peak[0] - b.peak[0]);
    this.node.setAttribute('aria-valuemin', '0');
    this.node.setAttribute('aria-valuemax', String(this.strong().length));
    if (!patterns || patterns.curves.length === 0) {
      this.node.replaceChildren();
      return;
    }
    const { span, curves, title } = patterns;
    const width = Math.max(200, this.node.clientWidth || 400);
    const inner = width - LEFT - RIGHT;
    this.across = position => LEFT + ((position - span[0]) / (span[1] - span[0])) * inner;
    const marked = curves.filter(({ peaks }) => peaks.length > 0);
    const floor = TOP + HEIGHT;
    const axis = floor + 4 + ROW * marked.length;
    const height = axis + BOTTOM;
    this.pointer = svg('g', { class: 'xc-pattern-pointer', visibility: 'hidden' });
    this.node.replaceChildren(
      svg(
        'svg',
        {
          width,
          height,
          viewBox: `0 0 ${width} ${height}`,
          'font-size': FONT,
          'aria-hidden': 'true'
        },
        svg('path', {
          d: `M${LEFT},${axis}H${width - RIGHT}`,
          stroke: 'currentColor',
          'stroke-opacity': 0.6
        }),
        ticks(span, Math.max(3, Math.floor(inner / 60))).map(value => [
          svg('path', {
            d: `M${this.across(value)},${axis}v4`,
            stroke: 'currentColor',
            'stroke-opacity': 0.6
          }),
          text(this.across(value), axis + 15, String(value), 'middle')
        ]),
        text(LEFT + inner / 2, axis + 29, title, 'middle'),
        [...curves].reverse().map(curve => this.curveOf(curve, inner, floor)),
        marked.map((curve, k) => this.marksOf(curve, floor + 4 + ROW * k)),
        this.labelsOf(curves[0], floor),
        curves.map((curve, k) => legendOf(curve, k)),
        this.pointer
      )
    );
  }

  private curveOf(curve: ICurve, inner: number, floor: number): Child {
    const { y } = curve;
    const { color, dash } = lookOf(curve);
    const place = (k: number): [number, number] => [
      LEFT + (k / (y.length - 1)) * inner,
      floor - (y[k] / 1000) * HEIGHT
    ];
    if (curve.group === '') {
      const known = [...y.keys()].filter(k => y[k] >= 0).map(k => pair(place(k)));
      return [
        svg('path', {
          d: known.length > 0 ? `M${known.join('L')}` : '',
          fill: 'none',
          stroke: 'currentColor',
          'stroke-width': 0.6,
          'stroke-opacity': 0.6
        }),
        svg('path', {
          class: 'xc-pattern-measured',
          d: known.map(place => `M${place}h0`).join(''),
          stroke: 'currentColor',
          'stroke-width': 2.2,
          'stroke-linecap': 'round'
        })
      ];
    }
    // what goes straight on needs no point of its own
    const bends = [...y.keys()].filter(k => y[k] !== y[k - 1] || y[k] !== y[k + 1]);
    const d = `M${bends.map(k => pair(place(k))).join('L')}`;
    return [
      !curve.second &&
        svg('path', { d: `${d}V${floor}H${LEFT}Z`, fill: color, 'fill-opacity': 0.14 }),
      svg('path', {
        class: curve.second ? 'xc-pattern-second' : 'xc-pattern-first',
        d,
        fill: 'none',
        stroke: color,
        'stroke-width': curve.second ? 1.4 : 1.2,
        'stroke-dasharray': dash,
        'stroke-linejoin': 'round'
      })
    ];
  }

  /** A short line for each peak; a second pattern's stand in a row of their own, and thicker. */
  private marksOf(curve: ICurve, top: number): Child {
    const d = curve.peaks.map(([x]) => `M${this.across(x).toFixed(1)},${top + 1}v${ROW - 3}`);
    const look = { stroke: lookOf(curve).color, 'stroke-width': curve.second ? 1.8 : 1 };
    return svg('path', { class: 'xc-pattern-marks', d: d.join(''), ...look });
  }

  private labelsOf(curve: ICurve, floor: number): Child {
    const taken: number[] = [];
    return [...curve.peaks]
      .sort((a, b) => b[2] - a[2])
      .slice(0, 3 * MOST_LABELS)
      .map(([position, , intensity, planes]) => {
        const x = this.across(position);
        if (taken.length >= MOST_LABELS || taken.some(other => Math.abs(other - x) < APART)) {
          return null;
        }
        taken.push(x);
        const [first, ...more] = planes.split(', ');
        const y =
          floor - (heightAt(curve, position, this.patterns) ?? 10 * intensity) * (HEIGHT / 1000);
        return text(x, y - 4, more.length > 0 ? `${first}…` : first, 'middle');
      });
  }

  private strong(): IFound[] {
    const strong = this.found.filter(({ peak }) => peak[2] >= WEAKEST);
    return strong.length > 0 ? strong : this.found;
  }

  private peakAt({ clientX, clientY }: MouseEvent): IFound | null {
    const { left, top } = this.node.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top - TOP - HEIGHT - 4];
    const marked = (this.patterns?.curves ?? []).filter(({ peaks }) => peaks.length > 0);
    // in the rows of marks only that pattern is meant
    const meant = y >= 0 ? marked[Math.min(Math.floor(y / ROW), marked.length - 1)] : null;
    let best: IFound | null = null;
    let merit = 0;
    for (const one of this.found) {
      const away = Math.abs(this.across(one.peak[0]) - x);
      const value = (1 - away / NEAR) * Math.sqrt(one.peak[2]);
      if (away < NEAR && value > merit && (!meant || one.curve === meant)) {
        [best, merit] = [one, value];
      }
    }
    return best;
  }

  private step(event: KeyboardEvent): void {
    const strong = this.strong();
    const at = this.shownPeak ? strong.indexOf(this.shownPeak) : -1;
    const goals: Record<string, number | undefined> = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at < 0 ? strong.length - 1 : at - 1,
      ArrowDown: at < 0 ? strong.length - 1 : at - 1,
      Home: 0,
      End: strong.length - 1
    };
    const goal = goals[event.key];
    if (goal === undefined || strong.length === 0) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.point(strong[Math.max(0, Math.min(goal, strong.length - 1))]);
  }

  private point(found: IFound | null): void {
    this.shownPeak = found;
    this.node.setAttribute('aria-valuenow', String(found ? this.strong().indexOf(found) + 1 : 0));
    this.node.setAttribute(
      'aria-valuetext',
      found ? peakWords(found, this.patterns?.title ?? '') : 'no peak'
    );
    this.pointer?.setAttribute('visibility', found ? 'visible' : 'hidden');
    if (found) {
      const x = this.across(found.peak[0]);
      this.pointer?.replaceChildren(
        svg('path', {
          d: `M${x},${TOP}V${TOP + HEIGHT + 4 + ROW}`,
          stroke: 'currentColor',
          'stroke-dasharray': '2 2'
        })
      );
    }
    this.onPeak(found);
  }
}

/** All that is known of a peak. */
export function peakWords({ curve, peak }: IFound, title: string): string {
  const [position, d, intensity, planes, multiplicity] = peak;
  const place = title.startsWith('q') ? `q = ${position} 1/Å` : `2θ = ${position.toFixed(2)}°`;
  return (
    `${curve.name} ${planes}: ${place}, d = ${d.toFixed(4)} Å, multiplicity ${multiplicity}, ` +
    `intensity ${intensity.toFixed(1)} %`
  );
}

/** Round numbers within a span, about so many. */
export function ticks([low, high]: readonly [number, number], most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(10)));
}

function heightAt(curve: ICurve, position: number, patterns: IPatterns | null): number | null {
  if (!patterns) {
    return null;
  }
  const [low, high] = patterns.span;
  const at = Math.round(((position - low) / (high - low)) * (curve.y.length - 1));
  const near = curve.y.slice(Math.max(0, at - 4), at + 5);
  return near.length > 0 ? Math.max(...near) : null;
}

function lookOf({ second }: ICurve): (typeof LOOKS)[number] {
  return LOOKS[second ? 1 : 0];
}

function legendOf(curve: ICurve, k: number): Child {
  const y = 11 + 14 * k;
  const measured = curve.group === '';
  const { color, dash } = lookOf(curve);
  return [
    svg('path', {
      d: measured
        ? `M${LEFT + 3},${y}h0M${LEFT + 11},${y}h0M${LEFT + 19},${y}h0`
        : `M${LEFT},${y}h22`,
      stroke: measured ? 'currentColor' : color,
      'stroke-width': measured ? 3 : 2,
      'stroke-linecap': measured ? 'round' : null,
      'stroke-dasharray': measured ? null : dash
    }),
    text(
      LEFT + 28,
      y + 4,
      measured ? curve.name : subscripted(curve.name, ` ${curve.group}`),
      'start'
    )
  ];
}

/** A formula and what follows it in an SVG text, where lowering lasts until it is taken back. */
function subscripted(formula: string, rest: string): Child {
  let low = false;
  return [...formulaParts(formula), { text: rest, subscript: false }].map(part => {
    const dy = part.subscript ? 3 : low ? -3 : null;
    low = part.subscript;
    return svg('tspan', { dy, 'font-size': low ? '75%' : null }, part.text);
  });
}

function text(x: number, y: number, content: Child, anchor: string): SVGTextElement {
  return svg('text', { x, y, 'text-anchor': anchor, fill: 'currentColor' }, content);
}

function pair([x, y]: readonly [number, number]): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
