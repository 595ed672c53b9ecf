/** What every crystal has to fulfil, whatever it was read from. */
import type { ICrystal, ISite, ISpecies, Vector } from '../crystal';
import { type Matrix, UNIT, determinant, inverse, norm, times } from '../lattice';
import { trans } from '../words';
import { ParseError, titled } from './error';

/** Atoms of one crystal that are looked at. */
export const MAX_SITES = 200_000;
const MAX_COORDINATE = 1e6; // cells; beyond, too few digits are left to tell the place in the cell
const MAX_LENGTH = 10_000; // Å, of a cell
const MIN_VOLUME = 0.1; // Å3
const FLAT = 1e-3; // volume, in products of the lengths
const FULL = 1.05; // occupancy up to which a site is rounded to a full one without a word

/** A crystal, or a molecule if there is no lattice, after a look at all its numbers. */
export function checked(
  title: string,
  lattice: Matrix | null,
  sites: ISite[],
  notes: string[] = []
): ICrystal {
  if (sites.length === 0) {
    throw new ParseError(trans.__('There are no atoms in this file.'));
  }
  checkCount(sites.length);
  if (lattice) {
    checkLattice(lattice);
  }
  for (const { position } of sites) {
    if (!position.every(x => Math.abs(x) <= MAX_COORDINATE)) {
      throw new ParseError(
        trans.__('The position of an atom is not finite, or far outside of the cell.')
      );
    }
  }
  const overfull = sites.some(site => fill(site.species) > FULL);
  const unknown = sites.filter(({ species }) => species.some(s => s.symbol === 'X')).length;
  return {
    title: titled(title),
    lattice: (lattice ?? UNIT).map(row => [...row]) as Matrix,
    periodic: lattice !== null,
    sites,
    notes: [
      ...notes,
      ...(overfull ? [trans.__('Atoms lie on top of each other in this file.')] : []),
      ...(unknown
        ? [trans.__('Atoms that are no known element (%1) are drawn as X.', unknown)]
        : [])
    ]
  };
}

/** Refuses more atoms than are looked at, before there are any. */
export function checkCount(count: number): void {
  if (count > MAX_SITES) {
    throw new ParseError(
      trans.__('There are %1 atoms in this file; at most %2 are looked at.', count, MAX_SITES)
    );
  }
}

/** Refuses what is no cell of a crystal. */
export function checkLattice(lattice: Matrix): void {
  if (!lattice.every(row => row.every(Number.isFinite))) {
    throw new ParseError(trans.__('The cell contains a number that is not finite.'));
  }
  const lengths = lattice.map(norm);
  if (Math.max(...lengths) > MAX_LENGTH) {
    throw new ParseError(
      trans.__('The cell is %1 Å long, as in no crystal.', Math.max(...lengths).toPrecision(3))
    );
  }
  const volume = Math.abs(determinant(lattice));
  if (!(volume >= MIN_VOLUME && volume >= FLAT * lengths[0] * lengths[1] * lengths[2])) {
    throw new ParseError(trans.__('The cell is flat: its volume is %1 Å3.', volume.toPrecision(3)));
  }
}

/** A site that one element fills. */
export function fullSite(symbol: string, position: Vector): ISite {
  return { species: [{ symbol, occupancy: 1 }], position };
}

/** Points in Å as fractional coordinates. */
export function fractional(points: Vector[], lattice: Matrix): Vector[] {
  checkLattice(lattice);
  const toFractions = inverse(lattice);
  return points.map(point => times(point, toFractions));
}

/** Species of a site: those of one element added up, the most abundant first. */
export function sharing(species: readonly ISpecies[]): ISpecies[] {
  const amounts = new Map<string, number>();
  for (const { symbol, occupancy } of species) {
    amounts.set(symbol, (amounts.get(symbol) ?? 0) + occupancy);
  }
  return [...amounts]
    .map(([symbol, occupancy]) => ({ symbol, occupancy }))
    .sort((a, b) => b.occupancy - a.occupancy);
}

function fill(species: readonly ISpecies[]): number {
  return species.reduce((sum, { occupancy }) => sum + occupancy, 0);
}
