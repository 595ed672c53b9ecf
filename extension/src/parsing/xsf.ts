/** XSF files of XCrySDen: crystals, molecules, and animations of either. */
import type { ICrystal, Vector } from '../crystal';
import type { Matrix } from '../lattice';
import { trans } from '../words';
import { MAX_SITES, checkCount, checked, fractional, fullSite } from './checked';
import { ParseError, errorAt, quoted } from './error';
import { countIn, numberIn, symbolIn, vectorIn, words } from './numbers';
import { MAX_FRAMES, partly } from './xyz';

// along which axes each kind repeats
const KINDS: Readonly<Record<string, boolean[]>> = {
  CRYSTAL: [true, true, true],
  SLAB: [true, true, false],
  POLYMER: [true, false, false],
  MOLECULE: [false, false, false]
};
const DIMENSIONS = ['MOLECULE', 'POLYMER', 'SLAB', 'CRYSTAL'];

/** All steps of a file; grids of data are passed over. */
export function parseXsf(text: string): ICrystal[] {
  return new Reader(text.split(/\r\n|\r|\n/)).read();
}

class Reader {
  private next = 0; // line, from 0
  private kind = 'CRYSTAL';
  private lattice: Matrix | null = null;
  private frames: ICrystal[] = [];
  private atoms = 0;

  constructor(private lines: string[]) {}

  read(): ICrystal[] {
    while (this.next < this.lines.length) {
      const found = this.words();
      const keyword = (found[0] ?? '').toUpperCase();
      this.next++;
      if (keyword === 'DIM-GROUP') {
        this.kind = DIMENSIONS[countIn(this.words()[0]) ?? 3] ?? 'CRYSTAL';
        this.next++;
      } else if (keyword in KINDS) {
        this.kind = keyword;
      } else if (keyword === 'PRIMVEC') {
        this.lattice = this.vectors();
      } else if (keyword === 'CONVVEC') {
        this.vectors();
      } else if (keyword === 'PRIMCOORD') {
        this.add(this.count(), this.lattice);
      } else if (keyword === 'CONVCOORD') {
        this.next += this.count(); // the same atoms in another cell
      } else if (keyword === 'ATOMS') {
        this.add(null, null);
      } else if (keyword.startsWith('BEGIN_')) {
        this.pass(keyword.replace('BEGIN_', 'END_'));
      } else if (keyword !== '' && !keyword.startsWith('#') && keyword !== 'ANIMSTEPS') {
        throw errorAt(this.next, trans.__('“%1” is no keyword of XSF files.', quoted(found[0])));
      }
      if (this.frames.length > MAX_FRAMES || this.atoms > 5 * MAX_SITES) {
        this.frames.length = Math.min(this.frames.length, MAX_FRAMES);
        this.frames[0].notes.push(
          trans.__('Only the first %1 frames are shown.', this.frames.length)
        );
        break;
      }
    }
    if (this.frames.length === 0) {
      throw new ParseError(trans.__('There are no atoms in this XSF file.'));
    }
    return this.frames;
  }

  private words(): string[] {
    return words(this.lines[this.next] ?? '');
  }

  private vectors(): Matrix {
    return [0, 1, 2].map(() => {
      if (this.next >= this.lines.length) {
        throw new ParseError(trans.__('The file ends within its cell.'));
      }
      return vectorIn(this.words(), ++this.next);
    }) as Matrix;
  }

  private count(): number {
    const count = countIn(this.words()[0]);
    this.next++;
    if (count === null) {
      throw errorAt(this.next, trans.__('the number of atoms is expected here.'));
    }
    checkCount(count);
    return count;
  }

  /** Atoms from here on: as many as announced, or as long as lines look like atoms. */
  private add(count: number | null, lattice: Matrix | null): void {
    const symbols: string[] = [];
    const points: Vector[] = [];
    while (count === null ? this.isAtom() : symbols.length < count) {
      if (this.next >= this.lines.length) {
        throw new ParseError(
          trans.__('The file ends after %1 of its %2 atoms.', symbols.length, count ?? '?')
        );
      }
      const found = this.words();
      this.next++;
      symbols.push(symbolIn(found[0] ?? ''));
      points.push(vectorIn(found.slice(1), this.next));
    }
    checkCount(symbols.length);
    this.atoms += symbols.length;
    const along = KINDS[this.kind];
    if (count !== null && this.kind !== 'MOLECULE' && !lattice) {
      throw new ParseError(trans.__('The cell (PRIMVEC) is missing before the atoms.'));
    }
    const notes: string[] = [];
    const cell = lattice && along.includes(true) ? partly(lattice, along, notes) : null;
    const positions = cell ? fractional(points, cell) : points;
    const sites = positions.map((position, k) => fullSite(symbols[k], position));
    this.frames.push(checked('', cell, sites, notes));
  }

  private isAtom(): boolean {
    const found = this.words();
    return found.length >= 4 && found.slice(1, 4).every(word => numberIn(word) !== null);
  }

  private pass(end: string): void {
    while (this.next < this.lines.length && this.words()[0]?.toUpperCase() !== end) {
      this.next++;
    }
    this.next++;
  }
}
