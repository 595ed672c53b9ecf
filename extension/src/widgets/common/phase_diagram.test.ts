import { type IDiagram, diagramWords, drawDiagram, ticksOf } from './phase_diagram';

const SALT: IDiagram = {
  elements: ['Na', 'Cl'],
  points: [
    ['NaCl3', '<b>x</b>', 0.75, 0, -0.9, 0.15],
    ['Na', '', 0, 0, 0, 0],
    ['Cl2', 'mp-1', 1, 0, 0, 0],
    ['NaCl', 'mp-2', 0.5, 0, -2.1, 0]
  ],
  edges: [
    [1, 3],
    [2, 3]
  ],
  own: { formula: 'NaCl', source: 'predicted', place: [0.5, 0], energy: -2, above: 0.1 }
};

describe('a phase diagram', () => {
  it('draws lower energies lower, the crystal above the hull, and goes to what is clicked', () => {
    const clicked: string[] = [];
    const drawn = drawDiagram(SALT, 400, id => clicked.push(id));
    const places = [...drawn.querySelectorAll('.xc-phase-point > circle:last-child')].map(node =>
      Number(node.getAttribute('cy'))
    );
    const [sodium, chlorine, salt] = places;
    expect(sodium).toBe(chlorine);
    expect(salt).toBeGreaterThan(sodium);
    const own = drawn.querySelector('.xc-own-phase path')?.getAttribute('d') ?? '';
    const [, , y] = /^M([\d.]+) ([\d.]+)/.exec(own) ?? [];
    expect(Number(y) + 7).toBeLessThan(salt);
    drawn.querySelectorAll('.xc-phase-point').forEach(node => {
      node.dispatchEvent(new MouseEvent('click'));
    });
    expect(clicked).toEqual(['<b>x</b>', 'mp-1', 'mp-2']);
    expect(drawn.querySelector('b')).toBeNull();
  });

  it('says in words what is on the hull', () => {
    expect(diagramWords(SALT)).toBe(
      'Phase diagram of Na, Cl. On the hull: Na, Cl2, NaCl. NaCl, 0.100 eV/atom above the hull.'
    );
  });

  it('has the third element at the top of a triangle', () => {
    const height = Math.sqrt(3) / 2;
    const drawn = drawDiagram(
      {
        elements: ['Ba', 'Ti', 'O'],
        points: [
          ['Ba', '', 0, 0, 0, 0],
          ['Ti', '', 1, 0, 0, 0],
          ['O2', '', 0.5, height, 0, 0]
        ],
        edges: [],
        own: {
          formula: 'BaTiO3',
          source: 'predicted',
          place: [0.5, 0.6 * height],
          energy: null,
          above: null
        }
      },
      400,
      () => undefined
    );
    const [ba, ti, o] = [...drawn.querySelectorAll('.xc-phase-point > circle:last-child')].map(
      node => [Number(node.getAttribute('cx')), Number(node.getAttribute('cy'))]
    );
    expect(ba[1]).toBe(ti[1]);
    expect(ba[0]).toBeLessThan(ti[0]);
    expect(o[1]).toBeLessThan(ba[1]);
    expect(o[0]).toBeCloseTo((ba[0] + ti[0]) / 2);
  });

  it('has round ticks', () => {
    expect(ticksOf(-2.1, 0).map(tick => tick.toFixed(1))).toEqual(['-2.0', '-1.0', '0.0']);
  });
});
