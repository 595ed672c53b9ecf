/** CIF files: the crystals in their data blocks, all atoms in the cell. */
import type { ICrystal, ISite, ISpecies, Vector } from '../crystal';
import { type Matrix, determinant, latticeOf } from '../lattice';
import { trans } from '../words';
import { type IBlock, type IColumn, blocksOf } from './blocks';
import { MAX_SITES, checkCount, checkLattice, checked, sharing } from './checked';
import { ParseError, errorAt, quoted } from './error';
import { elementIn, elementOfType, formulaIn, mixtureIn } from './labels';
import { numberIn, plain } from './numbers';
import { Places, inside } from './places';
import {
  type ISetting,
  operationsIn,
  settingsOfHall,
  settingsOfNumber,
  settingsOfSymbol
} from './settings';
import {
  IDENTITY,
  type IOperation,
  areGroup,
  combined,
  keepLengths,
  moved,
  operationIn
} from './symmetry';

const MOST_IMAGES = 1_000_000; // atoms times operations
const MOST_OPERATIONS = 384; // no space group has more than 192; magnetic ones may list each twice
const SITES_A_VOLUME = 10; // in a cubic Å: more than disorder spreads atoms over in any crystal
const COPY = 0.05; // Å; images of one atom that are closer are the same atom
const SHARED = 0.01; // Å; atoms of different rows that are closer share a site
const SNAP = 1e-4; // relative; what is as close to thirds was rounded by whoever wrote it
const AXES = ['x', 'y', 'z'];
const OPERATIONS = [
  '_symmetry_equiv_pos_as_xyz',
  '_space_group_symop_operation_xyz',
  '_space_group_symop_magn_operation_xyz'
];
const CENTRINGS = '_space_group_symop_magn_centering_xyz';
const HALL = ['_symmetry_space_group_name_hall', '_space_group_name_hall'];
const SYMBOLS = [
  '_symmetry_space_group_name_h-m',
  '_space_group_name_h-m_alt',
  '_space_group_name_h-m_full',
  '_space_group_name_h-m'
];
const NUMBERS = ['_symmetry_int_tables_number', '_space_group_it_number'];
const MAGNETIC = ['_space_group_magn_number_bns', '_space_group_magn_name_bns'];
const MODULATED = /^_(space_group_symop_ssg|cell_modulation)/;
const CODE = '_space_group_it_coordinate_system_code';
const MULTIPLICITIES = [
  '_atom_site_symmetry_multiplicity',
  '_atom_site_site_symmetry_multiplicity'
];
const FORMULA = '_chemical_formula_sum';
const UNITS = '_cell_formula_units_z';
const TITLES = ['_chemical_name_common', '_chemical_name_mineral', '_chemical_name_systematic'];

/** The crystals of all data blocks that list atoms. */
export function parseCif(text: string): ICrystal[] {
  const blocks = blocksOf(text);
  if (blocks.length === 0) {
    throw new ParseError(
      trans.__(
        'This is not a CIF file (there is no line that begins with “data_”), nor named as another kind that is read.'
      )
    );
  }
  const listing = blocks.filter(({ columns }) =>
    [...columns.keys()].some(name => /^_atom_site_(label|fract_x|cartn_x)$/.test(name))
  );
  const placed = listing.filter(({ columns }) => columns.get('_atom_site_fract_x')?.values.length);
  const filled = placed.length > 0 ? placed : listing;
  if (filled.length === 0) {
    throw new ParseError(trans.__('There is no crystal in this CIF file: no list of atoms.'));
  }
  const crystals: ICrystal[] = [];
  const errors: ParseError[] = [];
  const notes: string[] = [];
  let atoms = 0;
  for (const block of filled) {
    try {
      const crystal = crystalIn(block);
      atoms += crystal.sites.length;
      if (atoms > 5 * MAX_SITES) {
        notes.unshift(trans.__('Only the first %1 crystals are shown.', crystals.length));
        break;
      }
      crystals.push(crystal);
    } catch (error) {
      if (!(error instanceof ParseError)) {
        throw error;
      }
      errors.push(error);
      notes.push(trans.__('Data block “%1” is left out: %2', quoted(block.name), error.message));
    }
  }
  if (crystals.length === 0) {
    throw errors[0];
  }
  crystals[0].notes.push(...notes.slice(0, 3));
  return crystals;
}

interface IRow {
  species: ISpecies[];
  position: Vector;
  /** Atoms in the cell as the file says; 0 if it does not. */
  multiplicity: number;
}

/** All atoms in the cell, and the row that each came from. */
interface ICell {
  sites: ISite[];
  owners: number[];
}

function crystalIn(block: IBlock): ICrystal {
  const lattice = cellOf(block);
  const notes: string[] = [];
  const formula = formulaIn(firstOf(block, [FORMULA]));
  const rows = rowsOf(block, notes, formula);
  const cell = wholeCell(block, rows, lattice, formula, notes);
  const { sites } = cell;
  const units = unitsOf(block);
  const same = sameFormula(amountsOf(sites), formula);
  if (!multiplicitiesKept(cell, rows) || (same && !unitsKept(cell, formula, units))) {
    notes.push(
      trans.__('The symmetry makes other numbers of atoms than the file says (%1).', sites.length)
    );
  }
  if (formula.size > 0 && !same) {
    notes.push(
      trans.__(
        'The atoms are not those of the formula in the file (%1).',
        quoted(firstOf(block, [FORMULA]))
      )
    );
  }
  return checked(titleOf(block), lattice, sites, notes);
}

function titleOf(block: IBlock): string {
  const names = TITLES.map(name => textOf(block, name)).filter(name => !isMissing(name));
  return [...names, block.name][0];
}

/** The first value of a name; empty if there is none. */
function textOf(block: IBlock, name: string): string {
  return block.columns.get(name)?.values[0]?.trim() ?? '';
}

function isMissing(value: string): boolean {
  return value === '' || value === '?' || value === '.';
}

/** The first value that is given under one of several names; empty if none is. */
function firstOf(block: IBlock, names: string[]): string {
  return (
    names
      .map(name => columnOf(block, name)?.values[0]?.trim() ?? '')
      .find(text => !isMissing(text)) ?? ''
  );
}

/** A column of a loop that must be whole to be read. */
function columnOf(block: IBlock, name: string): IColumn | undefined {
  const column = block.columns.get(name);
  if (column?.broken) {
    throw column.broken;
  }
  return column;
}

/** A number, its standard uncertainty in parentheses left out; null if it is none. */
function measured(text: string): number | null {
  const bare = plain(text)
    .trim()
    .replace(/([\d.])\(\d*\)$/, '$1');
  const [above, below, ...more] = bare.split('/');
  if (below === undefined) {
    return numberIn(bare);
  }
  const value = (numberIn(above) ?? NaN) / (more.length === 0 ? (numberIn(below) ?? NaN) : NaN);
  return Number.isFinite(value) ? value : null;
}

function cellOf(block: IBlock): Matrix {
  const number = (name: string): number => {
    const column = columnOf(block, name);
    if (!column || column.values.length === 0) {
      throw new ParseError(trans.__('There is no unit cell: %1 is missing.', name));
    }
    const value = measured(column.values[0]);
    if (value === null) {
      throw errorAt(
        column.lines[0],
        trans.__('%1 is not a number, but “%2”.', name, quoted(column.values[0]))
      );
    }
    if (value <= 0 || (name.includes('angle') && value >= 180)) {
      throw errorAt(
        column.lines[0],
        trans.__('the cell is flat or impossible: %1 is %2.', name, value)
      );
    }
    return value;
  };
  const lengths = ['a', 'b', 'c'].map(axis => number(`_cell_length_${axis}`)) as Vector;
  const angles = ['alpha', 'beta', 'gamma'].map(name => number(`_cell_angle_${name}`)) as Vector;
  const lattice = latticeOf(lengths, angles);
  if (!lattice) {
    throw new ParseError(trans.__('The angles of the cell do not fit together.'));
  }
  checkLattice(lattice);
  return lattice;
}

/** The atoms that the file lists; adds what is left out to the notes. */
function rowsOf(block: IBlock, notes: string[], formula: ReadonlyMap<string, number>): IRow[] {
  const columns = AXES.map(axis => columnOf(block, `_atom_site_fract_${axis}`));
  const missing = columns.findIndex(column => column === undefined);
  if (missing >= 0) {
    const name = `_atom_site_fract_${AXES[missing]}`;
    throw new ParseError(
      block.columns.has('_atom_site_cartn_x')
        ? trans.__('The atoms have no fractional coordinates (%1), only Cartesian ones.', name)
        : trans.__('The atoms have no fractional coordinates (%1).', name)
    );
  }
  const coordinates = columns as IColumn[];
  const count = Math.min(...coordinates.map(column => column.values.length));
  checkCount(count);
  const labels = columnOf(block, '_atom_site_label')?.values ?? [];
  const types = columnOf(block, '_atom_site_type_symbol')?.values ?? [];
  const flags = columnOf(block, '_atom_site_calc_flag')?.values ?? [];
  const occupancies = columnOf(block, '_atom_site_occupancy');
  const several = MULTIPLICITIES.map(name => block.columns.get(name)?.values).find(Boolean);
  if (labels.length < count && types.length < count) {
    throw new ParseError(trans.__('The atoms have neither labels nor type symbols.'));
  }
  const rows: IRow[] = [];
  let [unplaced, vacant] = [0, 0];
  for (let k = 0; k < count; k++) {
    if (/^dum$/i.test(flags[k] ?? '')) {
      continue; // a centre of something, no atom
    }
    if (coordinates.some(({ values }) => isMissing(values[k]))) {
      unplaced++;
      continue;
    }
    const position = coordinates.map(({ values, lines }) => {
      const value = measured(values[k]);
      if (value === null) {
        throw errorAt(lines[k], trans.__('“%1” is not a coordinate.', quoted(values[k])));
      }
      return snapped(value);
    }) as Vector;
    const occupancy = occupancyOf(occupancies, k);
    const species = speciesOf(types[k] ?? '', labels[k] ?? '', occupancy, formula);
    if (species.length === 0) {
      vacant++;
    } else {
      const multiplicity = /^\d+$/.test(several?.[k] ?? '') ? Number(several?.[k]) : 0;
      rows.push({ species, position, multiplicity });
    }
  }
  if (unplaced > 0) {
    notes.push(trans.__('Atoms without a position (%1) are not drawn.', unplaced));
  }
  if (vacant > 0) {
    notes.push(trans.__('Vacancies (%1) are not drawn.', vacant));
  }
  return rows;
}

function occupancyOf(column: IColumn | undefined, row: number): number {
  const text = column?.values[row] ?? '.';
  if (!column || isMissing(text)) {
    return 1; // "not given" means full, not empty
  }
  const value = measured(text);
  if (value === null || value < 0) {
    throw errorAt(column.lines[row], trans.__('“%1” is not an occupancy.', quoted(text)));
  }
  return value;
}

/** What is at an atom; nothing for a vacancy. */
function speciesOf(
  type: string,
  label: string,
  occupancy: number,
  formula: ReadonlyMap<string, number>
): ISpecies[] {
  const mixture = mixtureIn(type);
  if (mixture) {
    return mixture
      .map(({ symbol, occupancy: share }) => ({ symbol, occupancy: share * occupancy }))
      .filter(one => one.occupancy > 0);
  }
  const symbol = isMissing(type.trim()) ? elementIn(label, formula) : elementOfType(type);
  return symbol === null || occupancy === 0 ? [] : [{ symbol, occupancy }];
}

/** 0.3333 as 1/3 and so on, so that symmetry puts images of an atom on each other. */
function snapped(x: number): number {
  const thirds = Math.round(3 * x);
  return thirds % 3 !== 0 && Math.abs((3 * x) / thirds - 1) < SNAP ? thirds / 3 : x;
}

/**
 * All atoms in the cell, by the operations in the file or those of the space group that it names.
 *
 * What a symbol leaves open is settled by the cell, the multiplicities and the formula in the file.
 */
function wholeCell(
  block: IBlock,
  rows: IRow[],
  lattice: Matrix,
  formula: ReadonlyMap<string, number>,
  notes: string[]
): ICell {
  const listed = listedOf(block, lattice);
  if (listed) {
    return expanded(rows, listed, lattice);
  }
  checkOnlyInSpace(block);
  const { said, settings, unknownHall } = namedOf(block);
  if (settings.length === 0) {
    return expanded(rows, [IDENTITY], lattice);
  }
  const fitting = settings.filter(setting => keepLengths(operationsIn(setting), lattice));
  if (fitting.length === 0) {
    throw new ParseError(
      trans.__(
        'The file lists no symmetry operations, and its cell does not fit the space group %1.',
        quoted(said)
      )
    );
  }
  let cells = fitting.map(setting => ({
    setting,
    ...expanded(rows, operationsIn(setting), lattice)
  }));
  const units = unitsOf(block);
  const tests: ((cell: ICell) => boolean)[] = [
    cell => multiplicitiesKept(cell, rows),
    ({ sites }) => formula.size === 0 || sameFormula(amountsOf(sites), formula),
    cell => unitsKept(cell, formula, units)
  ];
  for (const test of cells.length > 1 ? tests : []) {
    const passing = cells.filter(test);
    cells = passing.length > 0 ? passing : cells;
  }
  const [taken] = cells;
  if (!cells.every(cell => sameAtoms(taken, cell, lattice))) {
    notes.push(
      trans.__(
        'The file lists no symmetry operations, and its space group %1 may be written in %2 settings that fit; %3 was taken.',
        quoted(said),
        cells.length,
        `${taken.setting.symbol} :${taken.setting.choice}`
      )
    );
  } else if (unknownHall) {
    notes.push(
      trans.__(
        'The file lists no symmetry operations, and its Hall symbol %1 is none that is known here; %2 was taken.',
        quoted(unknownHall),
        `${taken.setting.symbol} :${taken.setting.choice}`
      )
    );
  }
  return taken;
}

/** Formula units in the cell, as the file says; 0 if it does not. */
function unitsOf(block: IBlock): number {
  return Math.max(0, measured(firstOf(block, [UNITS])) ?? 0);
}

/** Whether the rows have as many images as the file says; one that shares the site of another has none. */
function multiplicitiesKept({ owners }: ICell, rows: IRow[]): boolean {
  const counts = rows.map(() => 0);
  owners.forEach(owner => {
    counts[owner]++;
  });
  return rows.every(
    ({ multiplicity }, row) => [0, counts[row]].includes(multiplicity) || !counts[row]
  );
}

/** Whether the atoms are as many as in the formula units of the cell; some programs give all atoms as formula. */
function unitsKept({ sites }: ICell, formula: ReadonlyMap<string, number>, units: number): boolean {
  if (formula.size === 0 || units === 0) {
    return true;
  }
  const ratio = total(amountsOf(sites)) / total(formula);
  const whole = [...formula.values()].every(
    amount => Math.abs(amount / units - Math.round(amount / units)) < 1e-3
  );
  return Math.abs(ratio / units - 1) < 0.05 || (whole && Math.abs(ratio - 1) < 0.05);
}

/** Refuses symmetry of more than positions that is named, but not listed as operations of positions. */
function checkOnlyInSpace(block: IBlock): void {
  if ([...block.columns.keys()].some(name => MODULATED.test(name))) {
    throw new ParseError(trans.__('This is a modulated crystal, which repeats with no cell.'));
  }
  const magnetic = firstOf(block, MAGNETIC);
  if (magnetic !== '' && !/^(1\.1(\.\d+)?|P1(1')?)$/.test(magnetic.replace(/ /g, ''))) {
    throw new ParseError(
      trans.__(
        'The file names a magnetic space group (%1), but lists no symmetry operations.',
        quoted(magnetic)
      )
    );
  }
}

/** What the file calls its space group, and the settings that this may mean; none if it says nothing. */
function namedOf(block: IBlock): { said: string; settings: ISetting[]; unknownHall: string } {
  const [hall, symbol, number] = [HALL, SYMBOLS, NUMBERS].map(names => firstOf(block, names));
  const said = symbol || hall || number;
  let settings = hall ? settingsOfHall(hall) : [];
  const unknownHall = settings.length > 0 ? '' : hall;
  if (unknownHall.includes('(')) {
    throw new ParseError(
      trans.__(
        'The file lists no symmetry operations, and its Hall symbol %1 moves the origin.',
        quoted(hall)
      )
    );
  }
  if (symbol && settings.length === 0) {
    const code = firstOf(block, [CODE]);
    const coded = code && !symbol.includes(':') ? settingsOfSymbol(`${symbol}:${code}`) : [];
    settings = coded.length > 0 ? coded : settingsOfSymbol(symbol);
  }
  if ((hall || symbol) && settings.length === 0) {
    throw new ParseError(
      trans.__(
        'The file lists no symmetry operations, and the space group %1 is none that is known here.',
        quoted(said)
      )
    );
  }
  const counted = /^\d{1,12}(\.0*)?$/.test(number);
  if (number && !counted && settings.length === 0) {
    throw new ParseError(
      trans.__(
        'The file lists no symmetry operations, and its space group “%1” is no number.',
        quoted(number)
      )
    );
  }
  const others = [
    ...(hall && symbol ? settingsOfSymbol(symbol).slice(0, 1) : []),
    ...(counted ? settingsOfNumber(Number(number)).slice(0, 1) : [])
  ].map(setting => setting.number);
  if (counted && settingsOfNumber(Number(number)).length === 0) {
    throw new ParseError(
      trans.__('The space group is %1, but they are numbered from 1 to 230.', quoted(number))
    );
  }
  if (settings.length === 0) {
    return { said, settings: others.flatMap(settingsOfNumber), unknownHall };
  }
  const kept = settings.filter(setting => others.every(other => other === setting.number));
  if (kept.length === 0) {
    throw new ParseError(
      trans.__(
        'The file lists no symmetry operations, and names two space groups (%1).',
        [symbol, hall, number].filter(Boolean).map(quoted).join(', ')
      )
    );
  }
  return { said, settings: kept, unknownHall };
}

/** Atoms of each element. */
function amountsOf(sites: ISite[]): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const { symbol, occupancy } of sites.flatMap(site => site.species)) {
    amounts.set(symbol, (amounts.get(symbol) ?? 0) + occupancy);
  }
  return amounts;
}

function total(amounts: ReadonlyMap<string, number>): number {
  return [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
}

/** Whether two sums of elements are multiples of each other, as far as they are written. */
function sameFormula(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>
): boolean {
  const [ofOne, ofOther] = [total(one), total(other)];
  return (
    one.size === other.size &&
    [...one].every(([symbol, amount]) => {
      const share = amount / ofOne;
      return Math.abs(share - (other.get(symbol) ?? -1) / ofOther) < 0.01 + 0.02 * share;
    })
  );
}

function sameAtoms(one: ICell, other: ICell, lattice: Matrix): boolean {
  if (one.sites.length !== other.sites.length) {
    return false;
  }
  const places = new Places(lattice);
  other.sites.forEach(site => places.add(site.position));
  return one.sites.every(({ position }, k) => {
    const found = places.find(position, COPY);
    return found >= 0 && other.owners[found] === one.owners[k];
  });
}

/** The operations that the file lists; null if it lists none. */
function listedOf(block: IBlock, lattice: Matrix): IOperation[] | null {
  const column = OPERATIONS.map(name => columnOf(block, name)).find(
    one => one && one.values.some(value => !isMissing(value))
  );
  if (!column) {
    return null;
  }
  const centrings = columnOf(block, CENTRINGS);
  const count = column.values.length * Math.max(1, centrings?.values.length ?? 0);
  if (count > MOST_OPERATIONS) {
    throw new ParseError(
      trans.__('There are %1 symmetry operations: more than in any space group.', count)
    );
  }
  const operations = readOperations(column);
  const shifts = centrings ? readOperations(centrings) : [];
  const all =
    shifts.length > 0
      ? shifts.flatMap(shift => operations.map(operation => combined(operation, shift)))
      : operations;
  if (!areGroup(all)) {
    throw errorAt(
      column.lines[0],
      trans.__('the symmetry operations are no space group: their list is incomplete or wrong.')
    );
  }
  if (!keepLengths(all, lattice)) {
    throw errorAt(
      column.lines[0],
      trans.__('the symmetry does not fit the cell: an operation changes lengths or angles.')
    );
  }
  return all;
}

function readOperations(column: IColumn): IOperation[] {
  return column.values.map((text, k) => {
    const operation = operationIn(text);
    if (!operation) {
      throw errorAt(column.lines[k], trans.__('“%1” is not a symmetry operation.', quoted(text)));
    }
    return operation;
  });
}

/** All atoms in the cell: images of each row, and rows at the same place as one shared site. */
function expanded(rows: IRow[], operations: IOperation[], lattice: Matrix): ICell {
  if (rows.length * operations.length > MOST_IMAGES) {
    throw new ParseError(
      trans.__(
        'There are %1 atoms and %2 operations: too many to be drawn.',
        rows.length,
        operations.length
      )
    );
  }
  const room = 500 + SITES_A_VOLUME * Math.abs(determinant(lattice));
  const places = new Places(lattice);
  const owners: number[] = []; // of each place, the row that it came from
  const species = rows.map(row => [...row.species]);
  rows.forEach((row, index) => {
    if (!row.position.every(x => Math.abs(x) <= 1e6)) {
      throw new ParseError(trans.__('The position of an atom is far outside of the cell.'));
    }
    const found = places.find(row.position, SHARED);
    if (found >= 0) {
      species[owners[found]].push(...row.species);
      return;
    }
    const from = places.points.length;
    for (const operation of operations) {
      const image = moved(row.position, operation).map(inside) as Vector;
      if (places.find(image, COPY, from) < 0) {
        places.add(image);
        owners.push(index);
      }
    }
    checkCount(places.points.length);
    if (places.points.length > room) {
      throw new ParseError(trans.__('The file has more atoms than its cell has room for.'));
    }
  });
  const shared = species.map(sharing);
  const sites = places.points.map((position, k) => ({ species: shared[owners[k]], position }));
  return { sites, owners };
}
