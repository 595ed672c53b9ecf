import { AtlasMap, isInside } from './atlas_map';
import { CrystalStore } from './crystal_store';
import { CrystalView, number } from './crystal_view';
import { tracesOf } from './figure';
import { type IColoring, type IMapPart, type Packed, unpack } from './parts';
import { compositionOf, findRows } from './search';
import { Tour } from './tour';

function packed(kind: Packed[0], numbers: Float32Array | Uint8Array | Uint16Array): Packed {
  return [kind, btoa(String.fromCharCode(...new Uint8Array(numbers.buffer)))];
}

const floats = (...values: number[]) => packed('f4', Float32Array.from(values));
const bytes = (...values: number[]) => packed('u1', Uint8Array.from(values));

const COLORING: IColoring = {
  name: 'band_gap',
  title: 'Band gap (eV)',
  values: floats(1.5, NaN, -0.25),
  kinds: [],
  absent: 'not known',
  span: [0, 2],
  scale: [
    [0, '#000000'],
    [1, '#ffffff']
  ],
  legend: { title: '', low: '0', high: '2', colors: [], kinds: [], absent: null, shades: '' }
};
const MAP: IMapPart = {
  title: 'Three',
  model: 'mine',
  ours: false,
  n: 3,
  x: floats(0, 1, 2),
  y: floats(0, 0, 1),
  ids: ['mp-1', 'a<b>', 'mp-3'],
  formulas: ['BaTiO3', 'TiO2', 'MgO'],
  groups: bytes(221, 136, 225),
  symbols: [],
  colorings: [COLORING],
  landmarks: [],
  layout: {},
  config: {},
  sizes: [4, 2],
  unknown: '#b8b8b8',
  credit: true,
  properties: [],
  caution: ''
};

test('arrays keep their numbers', () => {
  expect([...unpack(floats(1.5, -2))]).toEqual([1.5, -2]);
  expect([...unpack(packed('u2', Uint16Array.of(65535, 1)))]).toEqual([65535, 1]);
  expect([...unpack(bytes(0, 255))]).toEqual([0, 255]);
});

test('crystals are unpacked in their cells, each with its own atoms', () => {
  const store = new CrystalStore({
    groups: bytes(221, 225),
    counts: packed('u2', Uint16Array.of(1, 2)),
    cells: floats(3, 3, 3, 90, 90, 90, 4, 5, 6, 90, 90, 90),
    elements: bytes(84, 11, 17),
    positions: packed('u2', Uint16Array.of(0, 0, 0, 0, 0, 0, 32768, 16384, 0))
  });
  const crystal = store.crystal(1, 'salt', Uint8Array.of(255, 0, 0, 0, 51, 255));
  expect(store.group(1)).toBe(225);
  expect(crystal.sites.map(({ species }) => species[0].symbol)).toEqual(['Na', 'Cl']);
  expect(crystal.sites[1].position).toEqual([0.5, 0.25, 0]);
  expect(crystal.lattice.map(row => Math.hypot(...row))).toEqual([4, 5, 6]);
  expect(crystal.colours).toEqual([
    [1, 0, 0],
    [0, 0.2, 1]
  ]);
  expect(store.crystal(0, '').colours).toBeUndefined();
});

test('a formula is found in any order and with brackets, by its elements, or by an id', () => {
  const formulas = ['BaTiO3', 'TiO2', 'Ca(OH)2', 'Ti2O4Ba'];
  const ids = ['mp-1', 'mp-2', 'mp-3', 'mp-4'];
  const find = (text: string) => findRows(text, ids, formulas);
  expect(find('O2Ti')).toEqual([1]);
  expect(find('CaO2H2')).toEqual([2]);
  expect(find('Ba Ti O')).toEqual([0, 3]);
  expect(find('Ti-O')).toEqual([0, 1, 3]);
  expect(find(' mp-3 ')).toEqual([2]);
  expect(find('tio2')).toEqual([]);
  expect(find('(TiO2')).toEqual([]);
  expect(compositionOf('Ti2O4')).toBe(compositionOf('O2Ti'));
  expect(compositionOf('Ti2O3')).not.toBe(compositionOf('O2Ti'));
});

test('points without a value or outside of a selection are grey', () => {
  const [x, y, values] = [MAP.x, MAP.y, COLORING.values].map(unpack);
  const found = tracesOf(MAP, x, y, COLORING, values, null) as { x: Float32Array }[];
  expect(found.map(trace => [...trace.x])).toEqual([[1], [0, 2]]);
  const selected = tracesOf(MAP, x, y, COLORING, values, new Set([1, 2])) as typeof found;
  expect(selected.map(trace => [...trace.x])).toEqual([[0, 1], [2]]);
});

test('the map answers its layer', async () => {
  const done: unknown[] = [];
  const map = new AtlasMap(MAP, {
    go: row => done.push(['go', row]),
    goTo: (x, y) => done.push(['goTo', x, y]),
    selected: rows => done.push(['selected', rows])
  });
  const heard: unknown[] = [];
  map.on('msg:custom', message => heard.push(message));
  const pixel = { dx: 0.01, dy: 0.01 };
  map.send({ act: 'hover', x: 0.02, y: 0.01, ...pixel });
  map.send({ act: 'hover', x: 0.5, y: 0.5, ...pixel });
  map.send({ act: 'click', x: 1.99, y: 1, ...pixel });
  map.send({ act: 'click', x: 1.5, y: 0.5, ...pixel });
  map.send({
    act: 'polygon',
    points: [
      [0.5, -1],
      [3, -1],
      [3, 0.5],
      [0.5, 0.5]
    ]
  });
  await Promise.resolve();
  expect(heard).toEqual([
    { type: 'hover', lines: ['BaTiO3', 'mp-1', 'Band gap (eV): 1.5'], row: 0 },
    { type: 'hover', lines: [], row: -1 }
  ]);
  expect(done).toEqual([
    ['go', 2],
    ['goTo', 1.5, 0.5],
    ['selected', [1]]
  ]);
  expect(map.get('state').selected).toEqual([1, 'inside of the outline']);
  expect(map.said(COLORING, 2)).toBe('Band gap (eV): −0.25');
  expect(map.known('band_gap', 1)).toBeNull();
});

test('a point is inside of a polygon or not', () => {
  const corner: [number, number][] = [
    [0, 0],
    [2, 0],
    [0, 2]
  ];
  expect(isInside(corner, 0.5, 0.5)).toBe(true);
  expect(isInside(corner, 1.5, 1.5)).toBe(false);
});

test('the tour begins open only where the address says so, and leads to its end', () => {
  expect(new Tour('').node.hidden).toBe(true);
  const { node, toggle } = new Tour('?tour');
  const [back, next] = node.querySelectorAll('button');
  expect([node.hidden, back.disabled]).toEqual([false, true]);
  const first = node.textContent;
  next.click();
  expect(node.textContent).not.toBe(first);
  back.click();
  expect(node.textContent).toBe(first);
  for (let step = 0; step < 4; step++) {
    next.click();
  }
  expect(next.disabled).toBe(true);
  toggle.click();
  expect([node.hidden, toggle.getAttribute('aria-pressed')]).toEqual([true, 'false']);
});

test('numbers have a real minus, and none before zero', () => {
  expect([-1.234, 0.0123, -0.0001, 12].map(number)).toEqual(['−1.23', '0.012', '0.000', '12.00']);
  expect([NaN, Infinity, null].map(number)).toEqual(['–', '–', '–']);
});

test('what comes from an atlas stays text', () => {
  const view = new CrystalView();
  document.body.append(view.node);
  view.attach();
  view.show({
    formula: '<img src=x>',
    origin: ['<b>id</b>'],
    symbol: 'Pm-3m',
    group: 221,
    note: '<i>note</i>',
    facts: [
      { name: 'band_gap', title: 'Gap <u>', unit: 'eV', value: 1, interval: [0.5, 2], known: null }
    ],
    explained: {},
    crystal: () => ({
      title: '',
      lattice: [
        [3, 0, 0],
        [0, 3, 0],
        [0, 0, 3]
      ],
      periodic: true,
      sites: [{ species: [{ symbol: 'Po', occupancy: 1 }], position: [0, 0, 0] }],
      notes: []
    })
  });
  expect(view.node.querySelector('img[src=x], i:not([style]), u, header b')).toBeNull();
  expect(view.node.textContent).toContain('<img src=x>');
  expect(view.node.textContent).toContain('0.50 to 2.00');
  expect(view.node.querySelector('td:nth-of-type(3)')).toBeNull();
});
