/** CIF files: the crystals in their data blocks, all atoms in the cell. */
import type { ICrystal, ISite, ISpecies, Vector } from '../crystal';
import { type Matrix, latticeOf } from '../lattice';
import { trans } from '../words';
import { type IBlock, type IColumn, blocksOf } from './blocks';
import { checkCount, checkLattice, checked, sharing } from './checked';
import { ParseError, errorAt, quoted } from './error';
import { elementIn, mixtureIn } from './labels';
import { numberIn } from './numbers';
import { Places, inside } from './places';
import { IDENTITY, type IOperation, combined, moved, operationIn } from './symmetry';

const MOST_IMAGES = 1_000_000; // atoms times operations
const MOST_OPERATIONS = 20_000;
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
const GROUPS = [
  '_symmetry_space_group_name_h-m',
  '_space_group_name_h-m_alt',
  '_space_group_name_h-m_full',
  '_symmetry_space_group_name_hall',
  '_space_group_name_hall',
  '_symmetry_int_tables_number',
  '_space_group_it_number'
];
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
  const filled = blocks.filter(({ columns }) =>
    [...columns.keys()].some(name => /^_atom_site_(label|fract_x|cartn_x)$/.test(name))
  );
  if (filled.length === 0) {
    throw new ParseError(trans.__('There is no crystal in this CIF file: no list of atoms.'));
  }
  const crystals: ICrystal[] = [];
  const errors: ParseError[] = [];
  const notes: string[] = [];
  for (const block of filled) {
    try {
      crystals.push(crystalIn(block));
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
}

function crystalIn(block: IBlock): ICrystal {
  const lattice = cellOf(block);
  const notes: string[] = [];
  const rows = rowsOf(block, notes);
  const operations = operationsOf(block, notes);
  const images = rows.length * operations.length;
  if (images > MOST_IMAGES) {
    throw new ParseError(
      trans.__(
        'There are %1 atoms and %2 operations: too many to be drawn.',
        rows.length,
        operations.length
      )
    );
  }
  const sites = expanded(rows, operations, lattice);
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
  const plain = text.trim();
  const end = plain.indexOf('(');
  return numberIn(end > 0 && plain.endsWith(')') ? plain.slice(0, end) : plain);
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
function rowsOf(block: IBlock, notes: string[]): IRow[] {
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
  const occupancies = columnOf(block, '_atom_site_occupancy');
  if (labels.length < count && types.length < count) {
    throw new ParseError(trans.__('The atoms have neither labels nor type symbols.'));
  }
  const rows: IRow[] = [];
  let [unplaced, vacant] = [0, 0];
  for (let k = 0; k < count; k++) {
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
    const species = speciesOf(types[k] ?? '', labels[k] ?? '', occupancy);
    if (species.length === 0) {
      vacant++;
    } else {
      rows.push({ species, position });
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
function speciesOf(type: string, label: string, occupancy: number): ISpecies[] {
  const mixture = mixtureIn(type);
  if (mixture) {
    return mixture;
  }
  const symbols = [type, label].filter(text => !isMissing(text)).map(elementIn);
  const symbol = symbols.find(one => one !== 'X') ?? (symbols.includes(null) ? null : 'X');
  return symbol === null || occupancy === 0 ? [] : [{ symbol, occupancy }];
}

/** 0.3333 as 1/3 and so on, so that symmetry puts images of an atom on each other. */
function snapped(x: number): number {
  const thirds = Math.round(3 * x);
  return thirds % 3 !== 0 && Math.abs((3 * x) / thirds - 1) < SNAP ? thirds / 3 : x;
}

function operationsOf(block: IBlock, notes: string[]): IOperation[] {
  const column = OPERATIONS.map(name => columnOf(block, name)).find(
    one => one && one.values.some(value => !isMissing(value))
  );
  if (!column) {
    const named = GROUPS.map(name => textOf(block, name)).filter(name => !isMissing(name));
    if (named.some(name => !/^([pP] *1|1)$/.test(name))) {
      notes.push(
        trans.__(
          'The file names a space group (%1) but not its operations: only the atoms that it lists are drawn.',
          quoted(named[0])
        )
      );
    }
    return [IDENTITY];
  }
  const operations = readOperations(column);
  const centrings = columnOf(block, CENTRINGS);
  const shifts = centrings ? readOperations(centrings) : [];
  if (operations.length * Math.max(1, shifts.length) > MOST_OPERATIONS) {
    throw new ParseError(
      trans.__('There are %1 symmetry operations: more than in any space group.', operations.length)
    );
  }
  return shifts.length > 0
    ? shifts.flatMap(shift => operations.map(operation => combined(operation, shift)))
    : operations;
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
function expanded(rows: IRow[], operations: IOperation[], lattice: Matrix): ISite[] {
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
  });
  const shared = species.map(sharing);
  return places.points.map((position, k) => ({ species: shared[owners[k]], position }));
}
