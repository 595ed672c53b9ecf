import { buildScene } from '../scene';
import { ParseError, parseCrystals } from './index';

const POSCAR = `Na Cl
1.0
5.64 0 0
0 5.64 0
0 0 5.64
Na Cl
1 1
Direct
0 0 0
0.5 0.5 0.5
`;
const CELL = `data_salt
_cell_length_a 5.64(1)
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
`;
const SITES = `loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 0 0 0 1
Cl1 0.5 0.5 0.5 1
`;
const SYMMETRY = `loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'x, 1/2+y, 1/2+z'
'x+1/2, y, 1/2+z'
'0.5+x, .5+y, z'
`;
const EXTXYZ = `2
Lattice="5 0 0 0 5 0 0 0 5" Properties=id:I:1:species:S:1:pos:R:3 pbc="T T T"
1 Na 0 0 0
2 Cl 2.5 2.5 2.5
`;
const XSF = `# a comment
ANIMSTEPS 2
CRYSTAL
PRIMVEC
4 0 0
0 4 0
0 0 4
PRIMCOORD 1
2 1
11 0 0 0
Cl 2 2 2 0.1 0.2 0.3
PRIMCOORD 2
2 1
11 0 0 0
Cl 2 2 2.1
`;
const JSON_TEXT = JSON.stringify({
  lattice: {
    matrix: [
      [4, 0, 0],
      [0, 4, 0],
      [0, 0, 4]
    ]
  },
  sites: [
    {
      species: [
        { element: 'Na', occu: 0.5 },
        { element: 'K', occu: 0.5 }
      ],
      abc: [0, 0, 0]
    }
  ]
});
const FILES: Record<string, string> = {
  POSCAR,
  'salt.cif': CELL + SYMMETRY + SITES,
  'salt.extxyz': EXTXYZ,
  'salt.xsf': XSF,
  'salt.json': JSON_TEXT
};

const positions = (text: string, name: string) =>
  parseCrystals(text, name)[0].sites.map(site => site.position);
const message = (text: string, name: string) => {
  try {
    parseCrystals(text, name);
  } catch (error) {
    expect(error).toBeInstanceOf(ParseError);
    return (error as ParseError).message;
  }
  throw new Error('this was read');
};

describe('CIF', () => {
  it('has all atoms of the cell', () => {
    const [crystal] = parseCrystals(FILES['salt.cif'], 'salt.cif');
    expect(crystal.sites.length).toBe(8);
    expect(crystal.notes).toEqual([]);
    expect(crystal.title).toBe('salt');
  });

  it('merges what symmetry puts on one place, and rows that share one', () => {
    const inversion = 'loop_\n_space_group_symop_operation_xyz\nx,y,z\n-x,-y,-z\n';
    const [crystal] = parseCrystals(CELL + inversion + SITES + 'K1 0 0 0 0.25\n', 'a.cif');
    expect(crystal.sites.length).toBe(2);
    expect(crystal.sites[0].species[0].symbol).toBe('Na');
    expect(crystal.sites[0].species[1]).toEqual({ symbol: 'K', occupancy: 0.25 });
  });

  it('takes shares of an occupancy for a site that is described in words', () => {
    const types = SITES.replace('_label', '_type_symbol').replace(
      'Na1 0 0 0 1',
      "'0.6Na + 0.4K' 0 0 0 0.5"
    );
    expect(parseCrystals(CELL + types, 'a.cif')[0].sites[0].species).toEqual([
      { symbol: 'Na', occupancy: 0.3 },
      { symbol: 'K', occupancy: 0.2 }
    ]);
  });

  it('says what it does not draw', () => {
    const text = CELL + SITES + 'H1 ? ? ? 1\n';
    const [crystal] = parseCrystals(text, 'a.cif');
    expect(crystal.sites.length).toBe(2);
    expect(crystal.notes.join()).toMatch(/without a position/);
  });

  it.each([
    ["_symmetry_space_group_name_H-M 'F m -3 m'", 8],
    ["_symmetry_space_group_name_H-M 'F 4/m -3 2/m'", 8],
    ["_symmetry_space_group_name_Hall '-F 4 2 3'", 8],
    ['_symmetry_Int_Tables_Number 225', 8],
    ["_space_group.name_H-M_alt 'P m -3 m'", 2]
  ])('expands %s', (group, count) => {
    expect(parseCrystals(`${CELL}${group}\n${SITES}`, 'a.cif')[0].sites.length).toBe(count);
  });

  it('says which setting it takes where the symbol leaves that open', () => {
    const sites = SITES.replace('Cl1 0.5 0.5 0.5', 'Cl1 0.1 0.2 0.3');
    const group = (symbol: string) =>
      parseCrystals(`${CELL}_symmetry_space_group_name_H-M '${symbol}'\n${sites}`, 'a.cif')[0];
    expect(group('F d d d').notes.join()).toMatch(/2 settings.* :2 was taken/);
    expect(group('F d d d :2').sites).toEqual(group('F d d d').sites);
    expect(group('F d d d S').sites).not.toEqual(group('F d d d Z').sites);
    expect(group('F d d d :1').notes).toEqual([]);
  });

  it('says where symmetry and numbers of atoms differ, and which setting is taken', () => {
    const notes = (more: string, sites = SITES) =>
      parseCrystals(CELL + more + sites, 'a.cif')[0].notes.join();
    const formula = "_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z ";
    expect(notes(`${formula}4\nloop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n`)).toMatch(
      /other numbers/
    );
    expect(notes(formula + '1\n')).toBe('');
    expect(notes("_chemical_formula_sum 'Na4 Cl4'\n_cell_formula_units_Z 4\n" + SYMMETRY)).toBe('');
    const several = SITES.replace('occupancy', 'symmetry_multiplicity');
    expect(notes('', several)).toBe('');
    expect(notes(SYMMETRY, several)).toMatch(/other numbers/);
    const hall = "_space_group_name_Hall '-F 4 2 3q'\n_space_group_name_H-M_alt 'F m -3 m'\n";
    expect(notes(hall)).toMatch(/Hall symbol -F 4 2 3q is none .* was taken/);
  });

  it('has a frame for each block with atoms, and says which are left out', () => {
    const broken = CELL.replace('5.64(1)', '?').replace('salt', 'bad') + SITES;
    const text = `data_empty\n_x 1\n${CELL}${SITES}${broken}${CELL}${SITES}`;
    const crystals = parseCrystals(text, 'a.cif');
    expect(crystals.length).toBe(2);
    expect(crystals[0].notes.join()).toContain('“bad” is left out: Line ');
  });

  it.each([
    ['hello', /not a CIF file/],
    ['data_x\n_y 1', /no list of atoms/],
    [SITES.replace('loop_', 'data_x\nloop_'), /no unit cell/],
    [CELL + SITES + 'Na2 0 0', /Line 8: the loop/],
    [CELL + SITES.replace('0.5', 'half'), /Line 15: “half” is not a coordinate/],
    [CELL + SITES.replace('0.5', 'nan'), /Line 15/],
    [CELL + SYMMETRY.replace('1/2+y', 'q') + SITES, /Line 11: .* not a symmetry operation/],
    [CELL.replace('_c 5.64', '_c 0') + SITES, /Line 4: the cell is flat/],
    [CELL.replace('gamma 90', 'gamma 179.9999') + SITES, /flat/],
    [CELL + SITES.replace(/fract/g, 'Cartn'), /only Cartesian/],
    [CELL + ';\nno end', /Line 8: the block of text/],
    [CELL + SITES.replace('0.5', '1e300'), /far outside/],
    [`${CELL}_symmetry_space_group_name_H-M 'F q'\n${SITES}`, /F q is none that is known/],
    [`${CELL}_symmetry_space_group_name_H-M 'P 63/m'\n${SITES}`, /does not fit/],
    [`${CELL}_symmetry_space_group_name_H-M Fm-3m\n_space_group_IT_number 221\n${SITES}`, /two/],
    [CELL + SYMMETRY.replace("'x, y, z'", "'x, x, z'") + SITES, /not a symmetry operation/],
    [`${CELL}_space_group_IT_number 'No. 225'\n${SITES}`, /“No. 225” is no number/],
    [`${CELL}_space_group_IT_number 225a\n${SITES}`, /“225a” is no number/],
    [CELL + SYMMETRY.replace("'x, 1/2+y, 1/2+z'\n", '') + SITES, /Line 10: .* no space group/],
    [CELL + SYMMETRY.replace(/'x, y, z'\n[^]*$/, "'-x,-y,-z'\n") + SITES, /no space group/],
    [CELL + SYMMETRY.replace("'x, y, z'", "'x, y, z'\n2x,y/2,z") + SITES, /no space group/],
    [
      `${CELL.replace('_b 5.64', '_b 7')}loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\ny,x,z\n${SITES}`,
      /does not fit the cell/
    ],
    [`${CELL}_symmetry_space_group_name_Hall '-F 4 2 3 (0 0 1)'\n${SITES}`, /moves the origin/],
    [`${CELL}_cell_length_a 5\n${SITES}`, /Line 8: _cell_length_a is given twice/],
    [`${CELL}_space_group_magn.number_BNS 1.11\n${SITES}`, /magnetic space group/],
    [`${CELL}_space_group_magn.name_BNS P12/m\n${SITES}`, /magnetic space group/]
  ])('gives one line for what cannot be read: %#', (text, reason) => {
    expect(message(text, 'a.cif')).toMatch(reason);
  });
});

describe('a CIF file that announces much', () => {
  const listed = (count: number) =>
    Array.from({ length: count }, (_, k) => `'x, y, z+${k}/${count}'`).join('\n');
  const atoms = (count: number) =>
    Array.from({ length: count }, (_, k) =>
      [`C${k}`, (0.618034 * k) % 1, (0.754878 * k) % 1, (0.56984 * k) % 1, 1].join(' ')
    ).join('\n');
  const loop = SITES.slice(0, SITES.indexOf('Na1'));

  it('is refused by its number of operations', () => {
    const many = `loop_\n_symmetry_equiv_pos_as_xyz\n${listed(400)}\n`;
    expect(message(CELL + many + SITES, 'a.cif')).toMatch(/400 symmetry operations: more than/);
  });

  it('is refused if its cell has no room for the atoms', () => {
    expect(message(CELL + loop + atoms(4000), 'a.cif')).toMatch(/more atoms than its cell/);
    expect(parseCrystals(CELL + loop + atoms(400), 'a.cif')[0].sites).toHaveLength(400);
  });
});

describe('POSCAR', () => {
  it('is scaled, by a volume too, and by one factor for each axis', () => {
    const side = (scale: string) =>
      parseCrystals(POSCAR.replace('1.0', scale), 'POSCAR')[0].lattice.map((row, k) => row[k]);
    expect(side('2')).toEqual([11.28, 11.28, 11.28]);
    expect(side('-64')[0]).toBeCloseTo(4);
    expect(side('1 2 0.5')).toEqual([5.64, 11.28, 2.82]);
  });

  it('takes elements from a line, from behind the positions, or from the first line', () => {
    const old = POSCAR.replace('\nNa Cl\n', '\n');
    expect(parseCrystals(old, 'POSCAR')[0].sites[1].species[0].symbol).toBe('Cl');
    const behind = old
      .replace('Na Cl', 'x')
      .replace('0 0 0\n0.5', '0 0 0 K\n0.5')
      .replace('5\n', '5\n');
    const named = behind.replace(/0\.5 0\.5 0\.5\n$/, '0.5 0.5 0.5 Br\n');
    expect(parseCrystals(named, 'POSCAR')[0].sites[0].species[0].symbol).toBe('K');
    expect(message(old.replace('Na Cl', 'salt'), 'POSCAR')).toMatch(/does not name its elements/);
  });

  it('has selective dynamics, Cartesian positions, velocities', () => {
    const text = POSCAR.replace('Direct', 'Selective dynamics\nCartesian').replace(
      '0.5 0.5 0.5',
      '2.82 2.82 2.82 T T F\n\n0.1 0.2 0.3\n0.1 0.2 0.3'
    );
    expect(positions(text, 'CONTCAR')[1].map(x => x.toFixed(6))).toEqual(Array(3).fill('0.500000'));
  });

  it('names the line of an error', () => {
    expect(message(POSCAR.replace('0.5 0.5 0.5', '0.5 x 0.5'), 'POSCAR')).toMatch(/^Line 10: “x”/);
    expect(message(POSCAR.replace('1 1', '1 7'), 'POSCAR')).toMatch(/ends after/);
    expect(message(POSCAR.replace('1 1', '1 999999999'), 'POSCAR')).toMatch(/at most/);
    expect(message(POSCAR.replace('1 1', '1'), 'POSCAR')).toMatch(/1 numbers of atoms, but 2/);
  });
});

describe('other files', () => {
  it('are frames of crystals or molecules', () => {
    expect(positions(EXTXYZ, 'a.extxyz')[1]).toEqual([0.5, 0.5, 0.5]);
    expect(parseCrystals(EXTXYZ + EXTXYZ, 'a.xyz').length).toBe(2);
    expect(parseCrystals(EXTXYZ.replace('T T T', 'F F F'), 'a.xyz')[0].periodic).toBe(false);
    expect(parseCrystals(EXTXYZ.replace('T T T', 'T T F'), 'a.xyz')[0].notes.length).toBe(1);
    const [plain] = parseCrystals('1\nwater\nO 1 2 3\n', 'a.xyz');
    expect([plain.periodic, plain.title, plain.sites[0].position]).toEqual([
      false,
      'water',
      [1, 2, 3]
    ]);
    expect(parseCrystals(XSF, 'a.xsf').length).toBe(2);
    expect(parseCrystals('ATOMS\n8 0 0 0\nH 0 0 1\n', 'a.xsf')[0].periodic).toBe(false);
    const slab = (pbc: string) =>
      parseCrystals(JSON_TEXT.replace('"matrix"', `"pbc":[${pbc}],"matrix"`), 'a.json')[0];
    expect(slab('true,true,false').notes.length).toBe(1);
    expect(slab('true,true,true').notes).toEqual([]);
    expect(slab('false,false,false').periodic).toBe(false);
    expect(parseCrystals(JSON_TEXT, 'a.json')[0].sites[0].species.length).toBe(2);
  });

  it.each([
    ['', 'a.xyz', /empty/],
    ['{"a": 1}', 'a.json', /holds no structure/],
    ['{"a":\n 1', 'a.json', /not valid JSON/],
    ['[]', 'a.json', /holds no structure/],
    ['3\n\nH 0 0 0\n', 'a.xyz', /ends after/],
    ['1\n\nH 0 0\n', 'a.xyz', /Line 3/],
    ['1\nLattice="1 2 3 4"\nH 0 0 0\n', 'a.xyz', /Line 2/],
    ['PRIMCOORD\n1 1\n1 0 0 0\n', 'a.xsf', /PRIMVEC/],
    ['hello\n', 'a.xsf', /Line 1: “hello”/],
    ['\0\0', 'a.cif', /text file/]
  ])('give one line for what cannot be read: %j', (text, name, reason) => {
    expect(message(text, name)).toMatch(reason);
  });
});

/** Numbers from 0 up to 1, the same ones each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

describe('mutated files', () => {
  const pieces = [
    '\n',
    ' ',
    "'",
    '"',
    ';',
    '-',
    '.',
    '9999999',
    '0',
    'e9',
    '(',
    '[',
    '{',
    ',',
    'data_',
    'loop_',
    '_',
    '#',
    'nan',
    '<b>',
    '\0',
    'é',
    '=',
    ':'
  ];

  it.each(Object.keys(FILES))('%s: a crystal or a ParseError, nothing else', name => {
    const next = random(7);
    let [read, refused] = [0, 0];
    for (let round = 0; round < 300; round++) {
      let text = FILES[name];
      for (let change = 0; change < 1 + Math.floor(4 * next()); change++) {
        const [at, length] = [Math.floor(next() * text.length), Math.floor(next() * next() * 30)];
        const piece =
          next() < 0.5 ? pieces[Math.floor(next() * pieces.length)] : text.slice(at, at + length);
        text = text.slice(0, at) + piece + text.slice(at + (next() < 0.5 ? length : 0));
      }
      try {
        for (const crystal of parseCrystals(text, name)) {
          const scene = buildScene(crystal, { repeat: [2, 1, 1] });
          expect(Number.isFinite(scene.extent)).toBe(true);
          expect([...scene.positions, ...scene.bondEnds].every(Number.isFinite)).toBe(true);
        }
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(ParseError);
        expect((error as ParseError).message).not.toMatch(/[\n\r\t\0]/);
        refused++;
      }
    }
    expect(Math.min(read, refused)).toBeGreaterThan(20);
  });

  it.each([
    ['quotes', 'data_x\n', "' ".repeat(300_000)],
    ['a line of quotes', 'data_x\n_a ', `'x"`.repeat(200_000)],
    ['brackets', '', '['.repeat(300_000)],
    ['equals signs', '1\n', 'a="'.repeat(100_000)],
    ['digits', 'x\n', '1'.repeat(500_000)],
    ['blanks', 'x\n', ' '.repeat(500_000)],
    ['names', CELL + 'loop_\n', '_a\n'.repeat(200_000)],
    ['empty lines', '', '\n1'.repeat(100_000)]
  ])('of %s without an end take no long time', (_, begin, long) => {
    for (const name of Object.keys(FILES)) {
      const started = performance.now();
      expect(() => parseCrystals(begin + long, name)).toThrow(ParseError);
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });
});
