/**
 * From a crystal to what is drawn: spheres, bonds and the edges of the cell, as flat arrays.
 *
 * The rules and numbers are those of `xcrystal/explorer/drawing/scene.py`, so that a crystal looks the same
 * in the explorer and in the viewer; tests compare the two.
 */
import type { ICrystal, ISite, Vector } from './crystal';
import { channels, elementOf } from './element';
import { type Matrix, heights, times } from './lattice';
import { type INeighbour, findNeighbours } from './neighbours';
import type { IShare } from './sectors';
import { trans } from './words';

/** Atoms; beyond, a supercell becomes smaller, and images and bonds of a cell are left out. */
export const MAX_DRAWN = 1000;
const BOUNDARY = 0.15; // Å from a face within which an atom counts as on it
const SPHERE = 0.42; // drawn radius, in covalent radii
/** Å */
export const BOND_RADIUS = 0.11;
/** Å, of bonds that leave the cell, and of contacts between metals. */
export const STUB_RADIUS = 0.05;
const STUB = 0.3; // of their length is drawn
const FULL = 1e-3; // what is so little empty is full
const EMPTY: [number, number, number] = [0.93, 0.93, 0.93];
/** Å */
export const EDGE_RADIUS = 0.04;
/** How a crystal is drawn. */
export interface ISceneOptions {
  /** Cells along a, b and c; fewer are drawn if there would be more than MAX_DRAWN atoms. */
  repeat?: Vector;
  /** Whether atoms on faces, edges and corners are repeated on the opposite side; true if not said. */
  boundary?: boolean;
  /** True if not said. */
  bonds?: boolean;
}

/** What is drawn; Å, the centre of the cells at the origin. Three numbers a point, colours 0 to 1. */
export interface IScene {
  /** Centres of spheres. */
  positions: Float32Array;
  radii: Float32Array;
  colours: Float32Array;
  /** Index of the site that each sphere is. */
  atoms: Int32Array;
  /** Of each site, its sectors if several elements share it or a part is empty; none for a full site of one. */
  shares: IShare[][];
  /** Half bonds: from an atom to the middle of a bond, or less far where the other end is not drawn. */
  bondStarts: Float32Array;
  bondEnds: Float32Array;
  /** Thinner where the other end is not drawn, and between metals. */
  bondRadii: Float32Array;
  bondColours: Float32Array;
  /** Index of the site whose colour the half bond has. */
  bondAtoms: Int32Array;
  /** Both ends of the edges of all cells, six numbers an edge; none if not periodic. */
  edges: Float32Array;
  /** Radius of the sphere around all that is drawn. */
  extent: number;
  /** Cells drawn along each axis, which may be fewer than asked for. */
  repeat: Vector;
  /** What was left out because there would be too many atoms, in words; empty if nothing was. */
  note: string;
}

/** What to draw of a crystal; the sphere of a shared site is that of the most abundant of its elements. */
export function buildScene(crystal: ICrystal, options: ISceneOptions = {}): IScene {
  const { boundary = true, bonds = true } = options;
  const { periodic, lattice } = crystal;
  const count = crystal.sites.length;
  const large = count > MAX_DRAWN;
  const asked: Vector = periodic ? wholeCells(options.repeat) : [1, 1, 1];
  const [repeat, note] = periodic ? affordable(count, asked) : [asked, moleculeNote(large)];
  const elements = crystal.sites.map(site => elementOf(site.species[0].symbol));
  const near = heights(lattice).map(height => BOUNDARY / height) as Vector;
  const points = crystal.sites.map(({ position }) =>
    periodic ? (position.map((x, axis) => placed(x, near[axis])) as Vector) : position
  );
  const reach: Vector = periodic && boundary && !large ? near : [-Infinity, -Infinity, -Infinity];
  const drawn = isDrawn(points, reach, repeat);
  const spheres = drawnAtoms(points, drawn, periodic ? repeat : [0, 0, 0]);
  const centre = periodic
    ? (times(repeat, lattice).map(x => x / 2) as Vector)
    : middle(crystal.sites.map(site => site.position));
  const places = spheres.map(({ atom, cell }) => {
    const shown = times(points[atom].map((x, axis) => x + cell[axis]) as Vector, lattice);
    return shown.map((x, axis) => x - centre[axis]) as Vector;
  });
  const found = bonds && !large ? findNeighbours(points, lattice, elements, periodic) : [];
  const crowded = found === null ? trans.__('Bonds are not drawn: the atoms are too close.') : '';
  const half = halfBonds(spheres, places, found ?? [], drawn);
  const edges = periodic ? cellEdges(repeat, lattice, centre) : new Float32Array(0);
  const radii = Float32Array.from(spheres, ({ atom }) => SPHERE * elements[atom].radius);
  const paint = elements.map(element => channels(element.colour));
  return {
    positions: Float32Array.from(places.flat()),
    radii,
    colours: Float32Array.from(spheres.flatMap(({ atom }) => paint[atom])),
    atoms: Int32Array.from(spheres, ({ atom }) => atom),
    shares: crystal.sites.map(sharesOf),
    ...half,
    bondColours: Float32Array.from([...half.bondAtoms].flatMap(atom => paint[atom])),
    edges,
    extent: extentOf(places, radii, edges),
    repeat,
    note: [note, crowded].filter(text => text !== '').join(' ')
  };
}

function sharesOf({ species }: ISite): IShare[] {
  const filled = species.reduce((sum, { occupancy }) => sum + occupancy, 0);
  if (species.length === 1 && filled > 1 - FULL) {
    return [];
  }
  const shares = species.map(({ symbol, occupancy }) => ({
    share: occupancy / Math.max(1, filled),
    colour: channels(elementOf(symbol).colour)
  }));
  return filled > 1 - FULL ? shares : [...shares, { share: 1 - filled, colour: EMPTY }];
}

interface ISphere {
  atom: number;
  cell: Vector;
}

type IsDrawn = (atom: number, cell: Vector) => boolean;

/** Into the cell; what is just below a face counts as on it. */
function placed(x: number, near: number): number {
  const inside = x - Math.floor(x);
  return inside > 1 - near ? inside - 1 : inside;
}

function wholeCells(repeat: Vector = [1, 1, 1]): Vector {
  return repeat.map(n => (n >= 1 ? Math.floor(Math.min(n, MAX_DRAWN)) : 1)) as Vector;
}

function affordable(count: number, repeat: Vector): [Vector, string] {
  if (count > MAX_DRAWN) {
    const note = trans.__('With %1 atoms, only one cell is drawn, without bonds.', count);
    return [[1, 1, 1], note];
  }
  const cells: Vector = [...repeat];
  while (count * cells[0] * cells[1] * cells[2] > MAX_DRAWN) {
    cells[cells.indexOf(Math.max(...cells))]--;
  }
  if (cells.every((n, axis) => n === repeat[axis])) {
    return [cells, ''];
  }
  const atoms = count * repeat[0] * repeat[1] * repeat[2];
  const [one, other] = [repeat, cells].map(numbers => numbers.join(' x '));
  return [cells, trans.__('%1 cells would be %2 atoms; %3 are drawn.', one, atoms, other)];
}

function moleculeNote(large: boolean): string {
  return large ? trans.__('With more than %1 atoms, no bonds are drawn.', MAX_DRAWN) : '';
}

/** Whether an atom is drawn in a cell; the last cells hold the boundary only. */
function isDrawn(points: Vector[], near: Vector, repeat: Vector): IsDrawn {
  return (atom, cell) =>
    cell.every(
      (k, axis) =>
        k >= 0 && (k < repeat[axis] || (k === repeat[axis] && points[atom][axis] < near[axis]))
    );
}

function drawnAtoms(points: Vector[], drawn: IsDrawn, last: Vector): ISphere[] {
  const spheres: ISphere[] = [];
  for (let a = 0; a <= last[0]; a++) {
    for (let b = 0; b <= last[1]; b++) {
      for (let c = 0; c <= last[2]; c++) {
        const cell: Vector = [a, b, c];
        points.forEach((_, atom) => {
          if (drawn(atom, cell)) {
            spheres.push({ atom, cell });
          }
        });
      }
    }
  }
  return spheres;
}

function halfBonds(
  spheres: ISphere[],
  places: Vector[],
  bonds: INeighbour[][],
  drawn: IsDrawn
): Pick<IScene, 'bondStarts' | 'bondEnds' | 'bondRadii' | 'bondAtoms'> {
  const starts: number[] = [];
  const ends: number[] = [];
  const radii: number[] = [];
  const atoms: number[] = [];
  spheres.forEach(({ atom, cell }, sphere) => {
    const place = places[sphere];
    const around = (bonds[atom] ?? []).map(({ atom: other, image, vector, metallic }) => {
      const inside = drawn(other, cell.map((k, axis) => k + image[axis]) as Vector);
      return { vector, inside, metallic };
    });
    const held = around.some(({ inside }) => inside);
    for (const { vector, inside, metallic } of around) {
      // contacts of metals are many: thin lines, which leave the cell only where an atom would otherwise have none
      if (inside || !metallic || !held) {
        const part = inside ? 0.5 : STUB;
        starts.push(...place);
        ends.push(...place.map((x, axis) => x + part * vector[axis]));
        radii.push(inside && !metallic ? BOND_RADIUS : STUB_RADIUS);
        atoms.push(atom);
      }
    }
  });
  return {
    bondStarts: Float32Array.from(starts),
    bondEnds: Float32Array.from(ends),
    bondRadii: Float32Array.from(radii),
    bondAtoms: Int32Array.from(atoms)
  };
}

/** Lines between cells, each as long as all cells along its axis. */
function cellEdges(repeat: Vector, matrix: Matrix, centre: Vector): Float32Array {
  const numbers: number[] = [];
  const put = (corner: Vector) =>
    numbers.push(...times(corner, matrix).map((x, axis) => x - centre[axis]));
  for (const axis of [0, 1, 2]) {
    const last = repeat.map((count, k) => (k === axis ? 0 : count));
    for (let a = 0; a <= last[0]; a++) {
      for (let b = 0; b <= last[1]; b++) {
        for (let c = 0; c <= last[2]; c++) {
          const end: Vector = [a, b, c];
          put([...end]);
          end[axis] = repeat[axis];
          put(end);
        }
      }
    }
  }
  return Float32Array.from(numbers);
}

/** The middle of the box around points. */
function middle(points: Vector[]): Vector {
  return [0, 1, 2].map(axis => {
    const low = points.reduce((least, point) => Math.min(least, point[axis]), Infinity);
    const high = points.reduce((most, point) => Math.max(most, point[axis]), -Infinity);
    return (low + high) / 2;
  }) as Vector;
}

function extentOf(places: Vector[], radii: Float32Array, edges: Float32Array): number {
  let extent = 0;
  places.forEach((place, k) => {
    extent = Math.max(extent, Math.hypot(...place) + radii[k]);
  });
  for (let k = 0; k < edges.length; k += 3) {
    extent = Math.max(extent, Math.hypot(edges[k], edges[k + 1], edges[k + 2]));
  }
  return extent;
}
