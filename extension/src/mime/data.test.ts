/** Outputs of cells are read strictly. */
import type { IWords } from '../viewer/captions';
import { readStructure } from './data';

const words: IWords = {
  __: (text, ...args) => text.replace(/%(\d)/g, (_, k) => String(args[Number(k) - 1])),
  _n: (one, many, n, ...args) => words.__(n === 1 ? one : many, ...args)
};

const good = {
  version: 1,
  title: 'alloy',
  lattice: [
    [3, 0, 0],
    [0, 3, 0],
    [0, 0, 3]
  ],
  species: [
    [
      { symbol: 'Au', occupancy: 0.25 },
      { symbol: 'Cu', occupancy: 0.75 }
    ],
    [{ symbol: 'Vac', occupancy: 1 }]
  ],
  positions: [
    [0, 0, 0],
    [0.5, 0.5, 0.5]
  ]
};

test('a structure is read, the most abundant element first', () => {
  const crystal = readStructure(good, words);
  expect(crystal.title).toBe('alloy');
  expect(crystal.periodic).toBe(true);
  expect(crystal.lattice).toEqual(good.lattice);
  expect(crystal.sites[0].species.map(({ symbol }) => symbol)).toEqual(['Cu', 'Au']);
  expect(crystal.sites[0].position).toEqual([0, 0, 0]);
});

test('what is no element is X, and said', () => {
  const crystal = readStructure(good, words);
  expect(crystal.sites[1].species[0].symbol).toBe('X');
  expect(crystal.notes).toHaveLength(1);
});

test.each([
  [null, 'no structure'],
  ['<img src=x onerror=alert(1)>', 'no structure'],
  [[good], 'no structure'],
  [{ ...good, version: 2 }, 'another version'],
  [{ ...good, lattice: [[1, 0, 0]] }, '3 x 3'],
  [
    {
      ...good,
      lattice: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, '1']
      ]
    },
    '3 x 3'
  ],
  [
    {
      ...good,
      lattice: [
        [1, 0, 0],
        [0, 1, 0],
        [1, 1, 0]
      ]
    },
    'flat'
  ],
  [
    {
      ...good,
      lattice: [
        [1e200, 0, 0],
        [0, 1e200, 0],
        [0, 0, 1e200]
      ]
    },
    'as in no crystal'
  ],
  [{ ...good, positions: [] }, 'positions'],
  [
    {
      ...good,
      positions: [
        [0, 0, NaN],
        [0, 0, 0]
      ]
    },
    'positions'
  ],
  [{ ...good, species: good.species.slice(1) }, 'each of its sites'],
  [{ ...good, species: [good.species[0], []] }, 'site 2'],
  [{ ...good, species: [[{ symbol: 'Cu', occupancy: 2 }], good.species[1]] }, 'site 1'],
  [{ ...good, species: [[{ symbol: 3, occupancy: 1 }], good.species[1]] }, 'site 1']
])('%j is refused in one line', (data, words_) => {
  let message = '';
  try {
    readStructure(data, words);
  } catch (reason) {
    message = (reason as Error).message;
  }
  expect(message).toContain(words_);
  expect(message).not.toContain('\n');
});
