/** A page without a kernel: the map of an atlas, and crystals that were decoded beforehand. */
import { el, formulaNodes } from '../dom';
import { reducedFormula } from '../formula';
import type { IMarker } from '../widgets/map_layer';
import { AtlasMap } from './atlas_map';
import { CrystalStore } from './crystal_store';
import { CrystalView, type IFact, type IShown } from './crystal_view';
import type { IPlotly } from './figure';
import {
  type ICrystalPart,
  type IMapPart,
  type IPath,
  type IPredicted,
  type IPredictionPart,
  type IReceiver,
  type Numbers,
  unpack
} from './parts';
import { PathView } from './path_view';
import { SearchView } from './search_view';
import { followTheme, themeButton } from './theme';
import { Tour } from './tour';

const MATERIAL = 'https://next-gen.materialsproject.org/materials/';
const TERMS = 'https://next-gen.materialsproject.org/about/terms';

declare global {
  var xcrystalPage: IReceiver | undefined;
  var Plotly: IPlotly | undefined;
}

/** Crystals, and how to find those of a row or of a point of the grid. */
class Decoded {
  constructor(readonly part: ICrystalPart) {
    this.store = new CrystalStore(part.crystals);
    this.rows = unpack(part.rows);
    this.nearest = unpack(part.nearest);
    this.grid = unpack(part.grid.xy);
  }

  readonly store: CrystalStore;
  /** Row of each of the first crystals. */
  readonly rows: Numbers;
  /** Number of the crystal that is drawn for each row. */
  readonly nearest: Numbers;
  /** Coordinates of the points of the grid. */
  readonly grid: Numbers;

  /** Whether the crystal of a row is among them. */
  holds(row: number): boolean {
    return this.rows[this.nearest[row]] === row;
  }

  /** Of a decoded crystal. */
  formula(number: number): string {
    return reducedFormula(this.store.crystal(number, ''));
  }
}

/** The page, once the points of the map are there. */
class Page {
  constructor(
    private readonly map: IMapPart,
    root: HTMLElement
  ) {
    this.groups = unpack(map.groups);
    this.introduction = el('p', {}, introduction(map, false));
    this.foot = footer(map, false);
    this.atlas = new AtlasMap(map, {
      go: row => this.goTo(row),
      goTo: (x, y) => this.goBetween(x, y),
      selected: rows => this.search.show(rows)
    });
    this.search = new SearchView(map.ids, map.formulas, {
      go: row => this.goTo(row),
      select: (rows, title) => this.atlas.select(rows, title),
      isKept: row => this.decoded?.holds(row) ?? false
    });
    const tour = new Tour(window.location.search);
    root.className = 'xc-explorer xc-page';
    root.replaceChildren(
      el(
        'header',
        { class: 'xc-page-head' },
        el('h1', {}, map.title),
        el('span', {}, tour.toggle, ' ', themeButton())
      ),
      this.introduction,
      tour.node,
      el(
        'div',
        { class: 'xc-page-columns' },
        el('section', { 'aria-label': 'Map' }, this.search.node, this.atlas.node),
        this.view.node
      ),
      this.below,
      this.foot
    );
    this.view.attach();
  }

  /** Draw the points. */
  draw(plotly: IPlotly): void {
    void this.atlas.draw(plotly);
  }

  /** The crystals are there. */
  take(part: ICrystalPart): void {
    this.decoded = new Decoded(part);
    this.paths = new PathView(part.paths, this.map.properties, (path, frame) =>
      this.follow(path, frame)
    );
    this.below.replaceChildren(this.paths.node);
    this.introduction.textContent = introduction(this.map, this.decoded.grid.length > 0);
    this.goTo(part.first);
  }

  /** So is what is predicted of all. */
  predict({ values, intervals }: IPredictionPart): void {
    const numbers = (packed: IPredictionPart['values']) =>
      new Map(Object.entries(packed).map(([name, array]) => [name, unpack(array)]));
    this.values = numbers(values);
    this.intervals = numbers(intervals);
    this.foot.replaceWith((this.foot = footer(this.map, this.intervals.size > 0)));
    if (this.row !== null) {
      this.showRow(this.row);
    }
  }

  // -- what users do
  private goTo(row: number): void {
    this.paths?.leave();
    this.row = row;
    this.showRow(row);
    const { x, y } = this.atlas;
    this.atlas.show({
      markers: [this.marker('current', x[row], y[row], this.map.formulas[row])],
      path: [],
      ring: [],
      off: '',
      here: this.reference('Here', row)
    });
  }

  private goBetween(x: number, y: number): void {
    const { decoded } = this;
    if (!decoded || decoded.grid.length === 0) {
      return;
    }
    const { grid } = decoded.part;
    const [point, off] = nearestOf(decoded.grid, x, y);
    const near = grid.near[point];
    this.paths?.leave();
    this.row = null;
    this.showDecoded(decoded, grid.first + point, 'decoded between crystals', near, grid, point);
    const [px, py] = [decoded.grid[2 * point], decoded.grid[2 * point + 1]];
    this.atlas.show({
      markers: [
        this.marker('current', px, py, 'the crystal that is drawn'),
        this.marker('wanted', x, y, 'where you clicked')
      ],
      path: [],
      ring: [this.place(near)],
      off:
        `Drawn is what lies at the nearest point of a grid of ${grid.side} × ${grid.side}, ` +
        `${((100 * off) / grid.width).toFixed(1)} % of the map's width away.`,
      here: this.reference('Nearest known', near)
    });
  }

  private follow(path: IPath | null, frame: number): void {
    const { decoded } = this;
    if (!decoded) {
      return;
    }
    if (!path) {
      this.goTo(decoded.part.first);
      return;
    }
    const near = path.near[frame];
    const said = `step ${frame + 1} of ${path.xy.length}`;
    this.row = null;
    this.showDecoded(decoded, path.first + frame, said, near, path, frame);
    const ends = path.ends.map((row, k) => {
      const [x, y] = this.place(row);
      return { ...this.marker('end', x, y, this.map.formulas[row]), sign: 'AB'[k] };
    });
    this.atlas.show({
      markers: [this.marker('current', ...path.xy[frame], path.formulas[frame]), ...ends],
      path: path.xy,
      ring: [],
      off: '',
      here: this.reference('Nearest known', near)
    });
  }

  // -- what is shown
  private showRow(row: number): void {
    const { decoded, map } = this;
    if (!decoded) {
      return;
    }
    const { store, part } = decoded;
    const kept = decoded.nearest[row];
    const drawn = decoded.rows[kept];
    const explained = drawn === row ? (part.explained[String(row)] ?? {}) : {};
    const [own, other] = [map.formulas[row], map.formulas[drawn]];
    const made = decoded.formula(kept);
    const [wanted, group] = [this.groups[drawn], store.group(kept)];
    const isOther = wanted > 0 && group !== wanted;
    const inGroup = isOther
      ? ` in the space group ${map.symbols[group]} (${group}), not ${map.symbols[wanted]} (${wanted})`
      : '';
    const changed =
      made === other && !isOther
        ? ''
        : ` The network decodes the vector of ${other} as ${made}${inGroup}.`;
    this.view.show({
      formula: own,
      origin: [this.link(row)],
      group: this.groups[row],
      symbol: map.symbols[this.groups[row]],
      note: (drawn === row
        ? changed
        : `This page keeps no decode of ${own}. Drawn is that of the crystal nearest to it in ` +
          `latent space, ${other} (${map.ids[drawn]}).${changed}`
      ).trim(),
      facts: this.factsOf(row),
      explained,
      crystal: name => store.crystal(kept, '', explained[name] && unpack(explained[name].colors))
    });
  }

  private showDecoded(
    { store }: Decoded,
    number: number,
    said: string,
    near: number,
    { values, intervals }: IPredicted,
    k: number
  ): void {
    const { map } = this;
    const facts = map.properties
      .filter(({ name }) => name in values)
      .map((property): IFact => {
        const interval = intervals[property.name]?.[k] ?? null;
        return { ...property, value: values[property.name][k], interval, known: null };
      });
    const crystal = store.crystal(number, '');
    const group = store.group(number);
    const shown: IShown = {
      formula: reducedFormula(crystal),
      origin: [
        `${said}; nearest known: `,
        ...formulaNodes(map.formulas[near]),
        ', ',
        this.link(near)
      ],
      group,
      symbol: map.symbols[group],
      note: '',
      facts,
      explained: {},
      crystal: () => crystal
    };
    this.view.show(shown);
  }

  private factsOf(row: number): IFact[] {
    return this.map.properties.flatMap(property => {
      const values = this.values.get(property.name);
      const ends = this.intervals.get(property.name);
      if (!values) {
        return [];
      }
      const interval: IFact['interval'] = ends ? [ends[2 * row], ends[2 * row + 1]] : null;
      const known = this.atlas.known(property.name, row);
      return [{ ...property, value: values[row], interval, known }];
    });
  }

  private place(row: number): [number, number] {
    return [this.atlas.x[row], this.atlas.y[row]];
  }

  private marker(kind: IMarker['kind'], x: number, y: number, text: string): IMarker {
    return { kind, x, y, text, sign: '' };
  }

  private reference(title: string, row: number): { title: string; name: string; href: string } {
    return { title, name: this.map.ids[row], href: addressOf(this.map.ids[row]) };
  }

  private link(row: number): Node | string {
    const id = this.map.ids[row];
    const href = addressOf(id);
    return href ? el('a', { href, target: '_blank', rel: 'noopener' }, id) : id;
  }

  private readonly atlas: AtlasMap;
  private readonly search: SearchView;
  private readonly introduction: HTMLElement;
  private foot: HTMLElement;
  private readonly groups: Numbers;
  private readonly view = new CrystalView();
  private readonly below = el('div');
  private decoded: Decoded | null = null;
  private paths: PathView | null = null;
  private values = new Map<string, Numbers>();
  private intervals = new Map<string, Numbers>();
  /** The row that is shown; null for what is no crystal of the atlas. */
  private row: number | null = null;
}

function introduction({ n, ours }: IMapPart, isBetween: boolean): string {
  return (
    `Each of the ${n.toLocaleString('en')} points is a known crystal. A neural network` +
    (ours ? ', a variational autoencoder,' : '') +
    ' has learned to write a crystal as a vector and to read it back; the map (UMAP) puts crystals ' +
    'with similar vectors near each other. Click a point to see what the network reads from its vector' +
    (isBetween ? '; click between points to see what it reads where no crystal is known.' : '.')
  );
}

function footer({ caution, credit, model }: IMapPart, isSure: boolean): HTMLElement {
  const source = [
    'Ids, formulas and calculated properties: ',
    outside(TERMS, 'Materials Project, CC BY 4.0'),
    '. '
  ];
  return el(
    'footer',
    { class: 'xc-page-foot' },
    el(
      'p',
      {},
      caution,
      isSure &&
        ' The 90 % intervals hold for nine of ten known crystals that the network was not trained on; ' +
          'between crystals, they are a guess.'
    ),
    el(
      'p',
      {},
      credit && source,
      `Model ${model}, made with xcrystal (MIT licence): `,
      el('code', {}, 'pip install xcrystal'),
      '.'
    )
  );
}

function outside(href: string, text: string): HTMLAnchorElement {
  return el('a', { href, target: '_blank', rel: 'noopener' }, text);
}

/** The page of a material of the Materials Project; empty for other ids. */
function addressOf(id: string): string {
  return /^(mp|mvc)-\d+$/.test(id) ? MATERIAL + id : '';
}

/** Number of the nearest of points (x, y, x, y, ...), and how far it is. */
function nearestOf(points: Numbers, x: number, y: number): [point: number, off: number] {
  let [found, least] = [0, Infinity];
  for (let k = 0; k < points.length; k += 2) {
    const off = Math.hypot(points[k] - x, points[k + 1] - y);
    if (off < least) {
      [found, least] = [k / 2, off];
    }
  }
  return [found, least];
}

function begin(root: HTMLElement): void {
  let page: Page | null = null;
  followTheme();
  const draw = () => globalThis.Plotly && page?.draw(globalThis.Plotly);
  document.querySelector('script[src="plotly.js"]')?.addEventListener('load', draw);
  // the scripts of the parts run after this one, in the order of the page
  globalThis.xcrystalPage = {
    map: part => {
      page = new Page(part, root);
      draw();
    },
    crystals: part => page?.take(part),
    predictions: part => page?.predict(part)
  };
}

const root = document.getElementById('xcrystal-page');
if (root) {
  begin(root);
}
