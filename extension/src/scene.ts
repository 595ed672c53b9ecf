/**
 * From a crystal to what is drawn: spheres, bonds and the edges of the cell, as flat arrays.
 *
 * The rules and numbers are those of `xcrystal/explorer/drawing/scene.py`, so that a crystal looks the same
 * in the explorer and in the viewer; tests compare the two.
 */
import type { ICrystal, ISite, Vector } from './crystal';
import { type IElement, type Palette, channels, colourOf, elementOf } from './element';
import { finiteGroups } from './molecules';
import { type Matrix, heights, times } from './lattice';
import { type INeighbour, findNeighbours, isNonmetal } from './neighbours';
import { type Faces, betweenPolyhedra, completed, isCationOf, polyhedronFaces } from './polyhedra';
import type { IShare } from './sectors';
import { trans } from './words';

/** Atoms; beyond, a supercell becomes smaller, and images and bonds of a cell are left out. */
export const MAX_DRAWN = 1000;
const BOUNDARY = 0.15; // Å from a face within which an atom counts as on it
const SPHERE = 0.42; // drawn radius, in covalent radii
/** Å */
export const BOND_RADIUS = 0.11;
/** Å, of contacts between metals. */
export const CONTACT_RADIUS = 0.05;
const FULL = 1e-3; // what is so little empty is full
const EMPTY: [number, number, number] = [0.93, 0.93, 0.93];
/** Å */
export const EDGE_RADIUS = 0.04;
/** How large atoms are drawn. */
export type Style = 'ball-and-stick' | 'space-filling';

/** How a crystal is drawn. */
export interface ISceneOptions {
  /** Cells along a, b and c; fewer are drawn if there would be more than MAX_DRAWN atoms. */
  repeat?: Vector;
  /** Whether atoms on the boundary are repeated, and neighbours outside of the cell added; true if not said. */
  boundary?: boolean;
  /** True if not said. */
  bonds?: boolean;
  /** Coordination polyhedra; true if not said. */
  polyhedra?: boolean;
  /** Spheres of the size of atoms, without bonds and polyhedra. */
  style?: Style;
  /** Jmol's if not said. */
  palette?: Palette;
  /** Symbols of elements that are left out, with their bonds and the polyhedra around them. */
  hidden?: ReadonlySet<string>;
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
  /** Half bonds: from an atom to the middle of a bond. */
  bondStarts: Float32Array;
  bondEnds: Float32Array;
  /** Thinner between metals. */
  bondRadii: Float32Array;
  bondColours: Float32Array;
  /** Index of the site whose colour the half bond has. */
  bondAtoms: Int32Array;
  /** Of the faces of polyhedra, face by face, counterclockwise as seen from outside. */
  corners: Float32Array;
  /** Corners of each face. */
  faceSizes: Int32Array;
  /** Index of the site in the centre of each face's polyhedron. */
  faceAtoms: Int32Array;
  /** Of each site: red, green and blue. */
  paints: [number, number, number][];
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
  const { boundary = true, bonds = true, polyhedra = true, palette = 'jmol' } = options;
  const filled = options.style === 'space-filling';
  const { periodic, lattice } = crystal;
  const count = crystal.sites.length;
  const large = count > MAX_DRAWN;
  const asked: Vector = periodic ? wholeCells(options.repeat) : [1, 1, 1];
  const [repeat, note] = periodic ? affordable(count, asked) : [asked, moleculeNote(large)];
  const elements = crystal.sites.map(site => elementOf(site.species[0].symbol));
  const near = heights(lattice).map(height => BOUNDARY / height) as Vector;
  const positions = crystal.sites.map(({ position }) =>
    periodic ? (position.map(x => x - Math.floor(x)) as Vector) : position
  );
  const found = large ? [] : findNeighbours(positions, lattice, elements, periodic);
  const crowded = found === null ? trans.__('Bonds are not drawn: the atoms are too close.') : '';
  const unplaced = found?.length ? found : positions.map(() => []);
  const { points, anchors, around } = periodic
    ? placed(positions, elements, unplaced, near)
    : { points: positions, anchors: positions, around: unplaced };
  const reach: Vector = periodic && boundary && !large ? near : [-Infinity, -Infinity, -Infinity];
  const spheres = new Spheres(periodic ? drawnAtoms(anchors, reach, repeat) : molecule(count));
  const faces = polyhedronFaces(elements, around);
  if (periodic && boundary && (bonds || polyhedra)) {
    const wanted = completed(elements, around, faces);
    spheres.addNeighbours(around, ({ atom, cell }) => {
      const isInside = cell.every((k, axis) => {
        const x = points[atom][axis] + k;
        return x > near[axis] && x < repeat[axis] - near[axis];
      });
      return wanted[atom][Number(isInside)];
    });
  }
  const centre = periodic
    ? (times(repeat, lattice).map(x => x / 2) as Vector)
    : middle(crystal.sites.map(site => site.position));
  const places = spheres.all.map(({ atom, cell }) => {
    const shown = times(points[atom].map((x, axis) => x + cell[axis]) as Vector, lattice);
    return shown.map((x, axis) => x - centre[axis]) as Vector;
  });
  const absent = elements.map(({ symbol }) => options.hidden?.has(symbol) ?? false);
  const lonely = betweenPolyhedra(elements, around, faces).map((is, atom) => is || absent[atom]);
  const half = halfBonds(spheres, places, bonds && !filled ? around : [], lonely);
  const edges = periodic ? cellEdges(repeat, lattice, centre) : new Float32Array(0);
  const sizes = filled
    ? fillingRadii(elements, around)
    : elements.map(({ radius }) => SPHERE * radius);
  const paints = crystal.colours ?? elements.map(element => channels(colourOf(element, palette)));
  const kept = [...spheres.all.keys()].filter(k => !absent[spheres.all[k].atom]);
  const atoms = Int32Array.from(kept, k => spheres.all[k].atom);
  const radii = Float32Array.from(atoms, atom => sizes[atom]);
  const shown = kept.map(k => places[k]);
  const drawn = polyhedra && !filled ? [...faces].filter(([atom]) => !absent[atom]) : [];
  return {
    positions: Float32Array.from(shown.flat()),
    radii,
    colours: Float32Array.from([...atoms].flatMap(atom => paints[atom])),
    atoms,
    shares: crystal.sites.map(site => sharesOf(site, palette)),
    ...half,
    bondColours: Float32Array.from([...half.bondAtoms].flatMap(atom => paints[atom])),
    ...drawnFaces(spheres, places, new Map(drawn)),
    paints,
    edges,
    extent: extentOf(shown, radii, edges),
    repeat,
    note: [note, crowded].filter(text => text !== '').join(' ')
  };
}

function sharesOf({ species }: ISite, palette: Palette): IShare[] {
  const filled = species.reduce((total, { occupancy }) => total + occupancy, 0);
  if (species.length === 1 && filled > 1 - FULL) {
    return [];
  }
  const shares = species.map(({ symbol, occupancy }) => ({
    share: occupancy / Math.max(1, filled),
    colour: channels(colourOf(elementOf(symbol), palette))
  }));
  return filled > 1 - FULL ? shares : [...shares, { share: 1 - filled, colour: EMPTY }];
}

/**
 * Of ions where there are metals and non-metals, of molecules where all of it is non-metals that end, and otherwise
 * covalent.
 */
function fillingRadii(elements: IElement[], around: INeighbour[][]): number[] {
  const metals = elements.filter(element => !isNonmetal(element)).length;
  if (metals > 0 && metals < elements.length) {
    return elements.map((element, one) =>
      around[one].every(({ atom }) => isCationOf(element, elements[atom]))
        ? element.cation
        : element.anion
    );
  }
  const molecules = new Set(finiteGroups(around).flatMap(({ members }) => members));
  const ends = around.every((own, one) => own.length === 0 || molecules.has(one));
  return elements.map(({ radius, molecular }) => (metals === 0 && ends ? molecular : radius));
}

interface ISphere {
  atom: number;
  cell: Vector;
}

/** What is drawn, and whether an atom in a cell is. */
class Spheres {
  constructor(readonly all: ISphere[]) {
    this.known = new Set(all.map(({ atom, cell }) => key(atom, cell)));
  }

  has(atom: number, cell: Vector): boolean {
    return this.known.has(key(atom, cell));
  }

  /** At the end, all neighbours of those that are drawn now and wanted. */
  addNeighbours(around: INeighbour[][], wanted: (sphere: ISphere) => boolean): void {
    const added: ISphere[] = [];
    for (const sphere of this.all.filter(wanted)) {
      for (const neighbour of around[sphere.atom]) {
        const cell = sum(sphere.cell, neighbour.image);
        if (!this.has(neighbour.atom, cell)) {
          this.known.add(key(neighbour.atom, cell));
          added.push({ atom: neighbour.atom, cell });
        }
      }
    }
    const order = ({ atom, cell }: ISphere) => [...cell, atom];
    added.sort((one, other) => {
      const [a, b] = [order(one), order(other)];
      const first = a.findIndex((x, k) => x !== b[k]);
      return first < 0 ? 0 : a[first] - b[first];
    });
    this.all.push(...added);
  }

  private readonly known: Set<string>;
}

function key(atom: number, cell: Vector): string {
  return `${atom} ${cell.join()}`;
}

function sum(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

interface IPlaced {
  /** Where atoms are drawn. */
  points: Vector[];
  /** What must be in the cell for that: of molecules, their centres. */
  anchors: Vector[];
  /** Neighbours between the points as they are now. */
  around: INeighbour[][];
}

/** Atoms and molecules into the cell; what is just below a face counts as on it. */
function placed(
  points: Vector[],
  elements: readonly IElement[],
  around: INeighbour[][],
  near: Vector
): IPlaced {
  const down = (point: Vector) =>
    point.map((x, axis) => {
      const floor = Math.floor(x);
      return floor + Number(x - floor > 1 - near[axis]);
    }) as Vector;
  const shifts = points.map(point => down(point).map(x => -x) as Vector);
  const anchors = points.map((point, k) => sum(point, shifts[k]));
  const molecules = finiteGroups(around);
  const done = new Set(molecules.flatMap(({ members }) => members));
  const areNonmetals = (one: number, other: number) =>
    isNonmetal(elements[one]) && isNonmetal(elements[other]);
  const ions = finiteGroups(around, areNonmetals).filter(({ members }) => !done.has(members[0]));
  for (const { members, cells } of [...molecules, ...ions]) {
    const own = members.map((member, k) => sum(points[member], cells[k]));
    const centre = [0, 1, 2].map(
      axis => own.reduce((total, point) => total + point[axis], 0) / own.length
    ) as Vector;
    const back = down(centre).map(x => -x) as Vector;
    members.forEach((member, k) => {
      shifts[member] = sum(cells[k], back);
      anchors[member] = sum(centre, back);
    });
  }
  return {
    points: points.map((point, k) => sum(point, shifts[k])),
    anchors,
    around: around.map((own, one) =>
      own.map(neighbour => ({
        ...neighbour,
        image: neighbour.image.map(
          (k, axis) => k + shifts[one][axis] - shifts[neighbour.atom][axis]
        ) as Vector
      }))
    )
  };
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

function molecule(count: number): ISphere[] {
  return Array.from({ length: count }, (_, atom) => ({ atom, cell: [0, 0, 0] }));
}

/** The last cells hold the boundary only. */
function drawnAtoms(points: Vector[], near: Vector, repeat: Vector): ISphere[] {
  const spheres: ISphere[] = [];
  for (let a = 0; a <= repeat[0]; a++) {
    for (let b = 0; b <= repeat[1]; b++) {
      for (let c = 0; c <= repeat[2]; c++) {
        const cell: Vector = [a, b, c];
        points.forEach((point, atom) => {
          if (cell.every((k, axis) => k < repeat[axis] || point[axis] < near[axis])) {
            spheres.push({ atom, cell });
          }
        });
      }
    }
  }
  return spheres;
}

function halfBonds(
  spheres: Spheres,
  places: Vector[],
  around: INeighbour[][],
  lonely: boolean[]
): Pick<IScene, 'bondStarts' | 'bondEnds' | 'bondRadii' | 'bondAtoms'> {
  const starts: number[] = [];
  const ends: number[] = [];
  const radii: number[] = [];
  const atoms: number[] = [];
  spheres.all.forEach(({ atom, cell }, sphere) => {
    for (const { atom: other, image, vector, metallic } of around[atom] ?? []) {
      if (!lonely[atom] && !lonely[other] && spheres.has(other, sum(cell, image))) {
        starts.push(...places[sphere]);
        ends.push(...places[sphere].map((x, axis) => x + vector[axis] / 2));
        radii.push(metallic ? CONTACT_RADIUS : BOND_RADIUS);
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

/** The faces of all polyhedra that have all their corners. */
function drawnFaces(
  spheres: Spheres,
  places: Vector[],
  faces: Faces
): Pick<IScene, 'corners' | 'faceSizes' | 'faceAtoms'> {
  const corners: number[] = [];
  const sizes: number[] = [];
  const atoms: number[] = [];
  spheres.all.forEach(({ atom, cell }, sphere) => {
    const own = faces.get(atom) ?? [];
    if (own.flat().every(({ atom: corner, image }) => spheres.has(corner, sum(cell, image)))) {
      for (const face of own) {
        for (const { vector } of face) {
          corners.push(...sum(places[sphere], vector));
        }
        sizes.push(face.length);
        atoms.push(atom);
      }
    }
  });
  return {
    corners: Float32Array.from(corners),
    faceSizes: Int32Array.from(sizes),
    faceAtoms: Int32Array.from(atoms)
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
