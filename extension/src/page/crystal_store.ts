/** The crystals of a page, unpacked when they are shown. */
import type { ICrystal, Vector } from '../crystal';
import { symbolOf } from '../element';
import { latticeOf } from '../lattice';
import { type IPackedCrystals, type Numbers, unpack } from './parts';

const STEPS = 65536; // of a fractional coordinate

/** Crystals by number. */
export class CrystalStore {
  constructor(packed: IPackedCrystals) {
    this.groups = unpack(packed.groups);
    this.cells = unpack(packed.cells);
    this.elements = unpack(packed.elements);
    this.positions = unpack(packed.positions);
    let atom = 0;
    this.firsts = [0];
    for (const count of unpack(packed.counts)) {
      atom += count;
      this.firsts.push(atom);
    }
  }

  /** How many there are. */
  get length(): number {
    return this.groups.length;
  }

  /** Number of the space group. */
  group(number: number): number {
    return this.groups[number];
  }

  /** The crystal in its conventional cell, in these colours (red, green and blue of each atom) instead of its elements'. */
  crystal(number: number, title: string, colours?: Numbers): ICrystal {
    const [a, b, c, alpha, beta, gamma] = this.cells.slice(6 * number, 6 * number + 6);
    const lattice = latticeOf([a, b, c], [alpha, beta, gamma]);
    if (!lattice) {
      throw new RangeError(`The cell of crystal ${number} is impossible.`);
    }
    const sites = [];
    for (let atom = this.firsts[number]; atom < this.firsts[number + 1]; atom++) {
      const position = [0, 1, 2].map(axis => this.positions[3 * atom + axis] / STEPS) as Vector;
      sites.push({ species: [{ symbol: symbolOf(this.elements[atom]), occupancy: 1 }], position });
    }
    const shades = colours && sites.map((_, k) => colourAt(colours, k));
    return { title, lattice, periodic: true, sites, notes: [], ...(shades && { colours: shades }) };
  }

  private readonly groups: Numbers;
  private readonly cells: Numbers;
  private readonly elements: Numbers;
  private readonly positions: Numbers;
  /** Of each crystal, the number of its first atom. */
  private readonly firsts: number[];
}

function colourAt(colours: Numbers, atom: number): Vector {
  return [0, 1, 2].map(channel => colours[3 * atom + channel] / 255) as Vector;
}
