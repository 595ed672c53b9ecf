/** Two properties against each other: known crystals in grey, candidates on them; a rectangle drawn over it selects. */
import { el, svg } from '../../dom';

export type Axis = [name: string, title: string, low: number, high: number];
export type Rectangle = [x: [number, number], y: [number, number]];

export interface IMark {
  x: number;
  y: number;
  label: string;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [360, 220, 46, 34, 8];
const FEW = 5; // pixels: less is a click

export class PropertyDiagram {
  /**
   * @param pick - Called with the number of a candidate that is pressed.
   * @param brush - Called with a rectangle that was drawn.
   */
  constructor(
    private readonly pick: (k: number) => void,
    private readonly brush: (rectangle: Rectangle) => void
  ) {
    this.plot.addEventListener('pointerdown', event => this.begin(event));
  }

  readonly plot = svg('svg', {
    class: 'xc-diagram-plot',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'group',
    'aria-label':
      'Known crystals in grey, candidates on them; draw a rectangle to select known crystals on the map'
  });
  readonly node = el('div', { class: 'xc-diagram' }, this.plot);

  /** Draw the axes, the known crystals, the ranges that are wanted, and the candidates, of which one is shown. */
  draw(
    x: Axis,
    y: Axis,
    points: readonly (readonly number[])[],
    wanted: Rectangle,
    marks: readonly IMark[],
    shown: number
  ): void {
    this.axes = [x, y];
    const [left, right] = this.ends(x, wanted[0]);
    const [low, high] = this.ends(y, wanted[1]);
    this.plot.replaceChildren(
      svg('rect', {
        class: 'xc-wanted',
        x: this.across(left),
        width: Math.max(0, this.across(right) - this.across(left)),
        y: this.down(high),
        height: Math.max(0, this.down(low) - this.down(high))
      }),
      ...points.map(([px, py]) =>
        svg('circle', { class: 'xc-point', cx: this.across(px), cy: this.down(py), r: 1.4 })
      ),
      svg('path', {
        class: 'xc-axes',
        d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 6}`
      }),
      this.text(LEFT, HEIGHT - BOTTOM + 13, x[2].toFixed(1), 'start'),
      this.text(WIDTH - 6, HEIGHT - BOTTOM + 13, x[3].toFixed(1), 'end'),
      this.text((LEFT + WIDTH) / 2, HEIGHT - 6, x[1], 'middle'),
      this.text(LEFT - 4, HEIGHT - BOTTOM, y[2].toFixed(1), 'end'),
      this.text(LEFT - 4, TOP + 9, y[3].toFixed(1), 'end'),
      svg(
        'text',
        {
          transform: `translate(12 ${(HEIGHT - BOTTOM) / 2}) rotate(-90)`,
          'text-anchor': 'middle'
        },
        y[1]
      ),
      ...marks.map((mark, k) => {
        const node = svg(
          'circle',
          {
            class: k === shown ? 'xc-mark xc-shown' : 'xc-mark',
            cx: this.across(mark.x),
            cy: this.down(mark.y),
            r: k === shown ? 6 : 4.5,
            role: 'button',
            tabindex: 0,
            'aria-label': `Go to candidate ${mark.label}`
          },
          svg('title', {}, mark.label)
        );
        node.addEventListener('click', () => this.pick(k));
        node.addEventListener('keydown', event => {
          if (event.key === 'Enter' || event.key === ' ') {
            event.preventDefault();
            this.pick(k);
          }
        });
        return node;
      })
    );
  }

  private axes: [Axis, Axis] = [
    ['', '', 0, 1],
    ['', '', 0, 1]
  ];

  private text(x: number, y: number, words: string, anchor: string): SVGElement {
    return svg('text', { x, y, 'text-anchor': anchor }, words);
  }

  private ends([, , low, high]: Axis, [from, to]: [number, number]): [number, number] {
    return [Math.min(high, Math.max(low, from)), Math.max(low, Math.min(high, to))];
  }

  private across(value: number): number {
    const [, , low, high] = this.axes[0];
    const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return LEFT + share * (WIDTH - 6 - LEFT);
  }

  private down(value: number): number {
    const [, , low, high] = this.axes[1];
    const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
  }

  private valueAt([px, py]: [number, number]): [number, number] {
    const [[, , left, right], [, , low, high]] = this.axes;
    return [
      left + ((px - LEFT) / (WIDTH - 6 - LEFT)) * (right - left),
      low + ((HEIGHT - BOTTOM - py) / (HEIGHT - BOTTOM - TOP)) * (high - low)
    ];
  }

  private at(event: PointerEvent): [number, number] {
    const box = this.plot.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / (box.width || 1)) * WIDTH,
      ((event.clientY - box.top) / (box.height || 1)) * HEIGHT
    ];
  }

  private begin(down: PointerEvent): void {
    if (down.button !== 0 || (down.target instanceof Element && down.target.closest('.xc-mark'))) {
      return;
    }
    const first = this.at(down);
    const drawn = svg('rect', { class: 'xc-brush' });
    this.plot.append(drawn);
    const box = (now: [number, number]) => ({
      x: Math.min(first[0], now[0]),
      y: Math.min(first[1], now[1]),
      width: Math.abs(now[0] - first[0]),
      height: Math.abs(now[1] - first[1])
    });
    const move = (event: PointerEvent) =>
      Object.entries(box(this.at(event))).forEach(([name, value]) =>
        drawn.setAttribute(name, String(value))
      );
    const cancel = () => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', end);
      window.removeEventListener('pointercancel', cancel);
      drawn.remove();
    };
    const end = (event: PointerEvent) => {
      cancel();
      const { x, y, width, height } = box(this.at(event));
      if (width > FEW && height > FEW) {
        const [left, high] = this.valueAt([x, y]);
        const [right, low] = this.valueAt([x + width, y + height]);
        this.brush([
          [left, right],
          [low, high]
        ]);
      }
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', end);
    window.addEventListener('pointercancel', cancel);
  }
}
