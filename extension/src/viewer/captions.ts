/** What is said about a crystal beside its drawing; plain functions, without JupyterLab. */
import type { ICrystal, Vector } from '../crystal';
import { elementsOf, reducedFormula } from '../formula';
import { determinant, dot, norm } from '../lattice';

/** What is used of JupyterLab's TranslationBundle. */
export interface IWords {
  __(msgid: string, ...args: (string | number)[]): string;
  _n(msgid: string, plural: string, n: number, ...args: (string | number)[]): string;
}

/** Lengths in Å, angles in degrees and the volume in Å³ of a cell with rows a, b and c. */
export interface ICellSize {
  lengths: Vector;
  angles: Vector;
  volume: number;
}

/** Sizes of the cell. */
export function cellSize(lattice: ICrystal['lattice']): ICellSize {
  const [a, b, c] = lattice;
  const angle = (one: Vector, other: Vector): number => {
    const cosine = dot(one, other) / (norm(one) * norm(other));
    return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
  };
  return {
    lengths: [norm(a), norm(b), norm(c)],
    angles: [angle(b, c), angle(a, c), angle(a, b)],
    volume: Math.abs(determinant(lattice))
  };
}

/** "a 3.99  b 3.99  c 4.22 Å", the angles, and the volume; nothing for a molecule. */
export function cellFacts(crystal: ICrystal, trans: IWords): string[] {
  if (!crystal.periodic) {
    return [trans.__('not periodic')];
  }
  const { lengths, angles, volume } = cellSize(crystal.lattice);
  const named = (names: string[], values: Vector, digits: number) =>
    names.map((name, k) => `${name}\u00a0${values[k].toFixed(digits)}`).join('\u2002');
  return [
    `${named(['a', 'b', 'c'], lengths, 3)}\u00a0Å`,
    `${named(['α', 'β', 'γ'], angles, 1)}°`,
    trans.__('%1 Å³', volume.toFixed(1))
  ];
}

/** How many atoms there are: sites of the cell, times the cells that are drawn. */
export function atomCount(crystal: ICrystal, repeat: Vector, trans: IWords): string {
  const cells = repeat[0] * repeat[1] * repeat[2];
  const count = crystal.sites.length * cells;
  const atoms = trans._n('%1 atom', '%1 atoms', count, grouped(count));
  return cells === 1 ? atoms : trans.__('%1 in %2 cells', atoms, repeat.join(' × '));
}

/** What is on the sites that are not filled by one element: "Na 0.7, K 0.3", "Cl 0.6, empty 0.4", each once. */
export function sharedSites(crystal: ICrystal, trans: IWords): string[] {
  const said = crystal.sites.map(({ species }) => {
    const empty = 1 - species.reduce((sum, { occupancy }) => sum + occupancy, 0);
    const parts = species.map(({ symbol, occupancy }) => `${symbol} ${amount(occupancy)}`);
    if (empty >= 0.005) {
      parts.push(trans.__('empty %1', amount(empty)));
    }
    return parts.length > 1 ? parts.join(', ') : '';
  });
  return [...new Set(said)].filter(text => text !== '');
}

/** What a screen reader says of the drawing. */
export function description(crystal: ICrystal, repeat: Vector, trans: IWords): string {
  const kinds = elementsOf(crystal).map(({ symbol }) => symbol);
  return trans.__(
    'Drawing of %1: %2; elements %3. Arrow keys turn it, plus and minus zoom, R resets the view.',
    reducedFormula(crystal),
    atomCount(crystal, repeat, trans),
    kinds.join(', ')
  );
}

/** A number of atoms of an element: whole, or with up to two decimals where sites are shared. */
export function amount(count: number): string {
  return String(Math.round(count * 100) / 100);
}

/** A count with a comma between thousands. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Whether a title is only the formula once more, as in "Na1 Cl1" or "data_NaCl". */
export function isFormula(title: string, formula: string): boolean {
  const plain = title.replace(/^data_/, '').replace(/\s+/g, '');
  const short = plain.replace(/([A-Za-z])1(?![0-9.])/g, '$1');
  return short === formula || plain === formula;
}

/** Name of a picture of a file, without its folder and ending. */
export function pictureName(formula: string): string {
  return `${formula.replace(/[^\w().-]+/g, '') || 'crystal'}.png`;
}
