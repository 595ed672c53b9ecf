/** The map of a page: answers the layer over the points, as the kernel does in the explorer. */
import { el } from '../dom';
import mapLayer, {
  type IHoverAnswer,
  type ILandmarks,
  type IMap,
  type IStill
} from '../widgets/map_layer';
import type { IModel, IPanel } from '../widgets/common/model';
import { type IPlotly, tracesOf } from './figure';
import { type IColoring, type IMapPart, type Numbers, unpack } from './parts';

const HIT = 8; // pixels around a point in which a press is meant for it
const HOVER = 10;
const LINES = 5; // of a tooltip

type Traits = IPanel<IMap> & ILandmarks;
type Message = IHoverAnswer | IStill;
type Listener = (message: Message, buffers: DataView<ArrayBuffer>[]) => void;

/** What the layer asks for. */
export interface IAct {
  act: string;
  name?: string;
  x?: number;
  y?: number;
  dx?: number;
  dy?: number;
  points?: [number, number][];
}

/** What users do on the map. */
export interface IMapActions {
  /** A crystal was chosen. */
  go(row: number): void;
  /** So were UMAP coordinates where there is none. */
  goTo(x: number, y: number): void;
  /** Crystals were selected; null for none any more. */
  selected(rows: number[] | null): void;
}

/** The points, and what is marked among them. */
export class AtlasMap implements IModel<Traits, Message> {
  constructor(
    private readonly part: IMapPart,
    private readonly actions: IMapActions
  ) {
    this.x = unpack(part.x);
    this.y = unpack(part.y);
    this.values = part.colorings.map(({ values }) => unpack(values));
    this.traits = { landmarks: part.landmarks, raster: {}, state: this.begin() };
    this.figure = el('div', { class: 'xc-points' });
    this.layer = el('div');
    this.node = el(
      'div',
      { class: 'xc-map' },
      el('div', { class: 'xc-plot' }, this.figure, el('div', { class: 'xc-markers' }, this.layer))
    );
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** Coordinates of all crystals. */
  readonly x: Numbers;
  readonly y: Numbers;

  /** Draw the points, and the layer over them. */
  async draw(plotly: IPlotly): Promise<void> {
    this.plotly = plotly;
    await plotly.newPlot(this.figure, this.traces(), this.part.layout, this.part.config);
    mapLayer.render({ model: this, el: this.layer });
  }

  /** Change what is marked or said. */
  show(changed: Partial<IMap>): void {
    const { state } = this.traits;
    this.traits.state = { ...state, ...changed, answered: state.answered + 1 };
    this.changed.forEach(listener => listener());
  }

  /** Let these crystals stand out; null for no selection. */
  select(rows: readonly number[] | null, title: string): void {
    this.selected = rows && new Set(rows);
    this.show({ selected: rows && [rows.length, title] });
    this.repaint();
    this.actions.selected(rows && [...rows]);
  }

  /** A value for people, such as "Band gap (eV): 1.2"; empty if it is not known. */
  said(coloring: IColoring, row: number): string {
    const value = this.values[this.part.colorings.indexOf(coloring)][row];
    if (!Number.isFinite(value)) {
      return '';
    }
    const text = coloring.kinds[Math.round(value)] ?? String(Number(value.toPrecision(4)));
    return `${coloring.title}: ${text.replace('-', '−')}`;
  }

  /** The value of a property in the atlas; null if it is not known. */
  known(name: string, row: number): number | null {
    const at = this.part.colorings.findIndex(coloring => coloring.name === name);
    const value = at < 0 ? NaN : this.values[at][row];
    return Number.isFinite(value) ? value : null;
  }

  // -- as the layer knows its model
  get<K extends keyof Traits & string>(name: K): Traits[K] {
    return this.traits[name];
  }

  send(content: object): void {
    // the layer waits for its answer as for a kernel's
    queueMicrotask(() => this.answer(content as IAct));
  }

  on(event: string, listener: (() => void) | Listener): void {
    if (event === 'change:state') {
      this.changed.add(listener as () => void);
    } else if (event === 'msg:custom') {
      this.listeners.add(listener as Listener);
    }
  }

  off(_: string, listener: (() => void) | Listener): void {
    this.changed.delete(listener as () => void);
    this.listeners.delete(listener as Listener);
  }

  // -- acts
  private answer({ act, name, x = 0, y = 0, dx = 1, dy = 1, points = [] }: IAct): void {
    if (act === 'hover') {
      const [row, off] = this.nearest(x, y, dx, dy);
      const isNear = off <= HOVER;
      const message: Message = {
        type: 'hover',
        lines: isNear ? this.tooltip(row) : [],
        row: isNear ? row : -1
      };
      this.listeners.forEach(listener => listener(message, []));
    } else if (act === 'click') {
      const [row, off] = this.nearest(x, y, dx, dy);
      if (off <= HIT) {
        this.actions.go(row);
      } else {
        this.actions.goTo(x, y);
      }
    } else if (act === 'drag') {
      this.actions.goTo(x, y);
    } else if (act === 'color') {
      this.show({ color: name ?? '', legend: this.coloring(name ?? '').legend });
      this.repaint();
    } else if (act === 'polygon') {
      const rows = [...this.x.keys()].filter(row => isInside(points, this.x[row], this.y[row]));
      this.select(rows.length > 0 ? rows : null, 'inside of the outline');
    } else if (act === 'deselect') {
      this.select(null, '');
    }
  }

  /** Row of the point that is nearest on the screen, where a pixel is so large, and how many pixels off it is. */
  private nearest(x: number, y: number, dx: number, dy: number): [row: number, off: number] {
    let [found, least] = [0, Infinity];
    for (let row = 0; row < this.part.n; row++) {
      const off = ((this.x[row] - x) / dx) ** 2 + ((this.y[row] - y) / dy) ** 2;
      if (off < least) {
        [found, least] = [row, off];
      }
    }
    return [found, Math.sqrt(least)];
  }

  private tooltip(row: number): string[] {
    const { formulas, ids, colorings } = this.part;
    const chosen = this.coloring(this.traits.state.color);
    const others = colorings.filter(one => one !== chosen && one.kinds.length === 0).slice(0, 3);
    const values = [chosen, ...others].map(one => this.said(one, row)).filter(Boolean);
    return [formulas[row], ids[row], ...values].slice(0, LINES);
  }

  private coloring(name: string): IColoring {
    return this.part.colorings.find(one => one.name === name) ?? this.part.colorings[0];
  }

  private traces(): object[] {
    const coloring = this.coloring(this.traits.state.color);
    const values = this.values[this.part.colorings.indexOf(coloring)];
    return tracesOf(this.part, this.x, this.y, coloring, values, this.selected);
  }

  private repaint(): void {
    // what users have zoomed to is in the layout, which plotly changes itself
    void this.plotly?.react(this.figure, this.traces(), this.part.layout, this.part.config);
  }

  private begin(): IMap & { answered: number } {
    const { colorings, credit, n } = this.part;
    return {
      answered: 0,
      markers: [],
      ring: [],
      path: [],
      off: '',
      here: { title: '', name: '', href: '' },
      color: colorings[0].name,
      colors: colorings.map(({ name, title }) => [name, title]),
      legend: colorings[0].legend,
      selected: null,
      crystals: n.toLocaleString('en'),
      credit,
      shown: '',
      beyond: ''
    };
  }

  private readonly traits: Traits;
  private readonly values: Numbers[];
  private readonly figure: HTMLElement;
  private readonly layer: HTMLElement;
  private readonly changed = new Set<() => void>();
  private readonly listeners = new Set<Listener>();
  private plotly: IPlotly | null = null;
  private selected: Set<number> | null = null;
}

/** Whether a point lies in a polygon: a ray from it crosses an odd number of edges. */
export function isInside(corners: readonly [number, number][], x: number, y: number): boolean {
  return corners.reduce((inside, [ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length];
    const crosses = ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax);
    return crosses ? !inside : inside;
  }, false);
}
