/** The faces of polyhedra as what NGL draws: flat triangles, and lines along their edges. */
import type { IMesh } from './ngl_mesh';

/** Faces, one after the other. */
export interface IFaces {
  /** Three numbers each. */
  corners: ArrayLike<number>;
  /** Corners of each face. */
  faceSizes: ArrayLike<number>;
  /** Index of the atom whose colour each face has. */
  faceAtoms: ArrayLike<number>;
}

/** Edges: both ends of each, and the atom whose colour it has. */
export interface IFaceEdges {
  ends: number[];
  atoms: number[];
}

/** How faces are drawn. */
export const FACE_LOOK = { opacity: 0.5, side: 'double', depthWrite: false } as const;
/** Of the way to white that faces are lighter than their atom; what is turned away from the light is dark enough. */
const LIGHTER = 0.35;
/** Å */
export const FACE_EDGE_RADIUS = 0.025;
/** Of the colour of a face, that its edges have. */
export const FACE_EDGE_SHADE = 0.55;

/** Flat triangles, each lighter than the colour of its atom, three numbers in `paints`; null if there are no faces. */
export function faceMesh(faces: IFaces, paints: ArrayLike<number>): IMesh | null {
  const position: number[] = [];
  const normal: number[] = [];
  const color: number[] = [];
  const index: number[] = [];
  const light = Array.from(paints, x => x + LIGHTER * (1 - x));
  eachFace(faces, (points, atom) => {
    const out = normalOf(points);
    const first = position.length / 3;
    points.forEach((point, k) => {
      position.push(...point);
      normal.push(...out);
      color.push(light[3 * atom], light[3 * atom + 1], light[3 * atom + 2]);
      if (k > 1) {
        index.push(first, first + k - 1, first + k);
      }
    });
  });
  return index.length
    ? {
        position: Float32Array.from(position),
        normal: Float32Array.from(normal),
        color: Float32Array.from(color),
        index: Uint32Array.from(index)
      }
    : null;
}

/** Each edge of each polyhedron once. */
export function faceEdges(faces: IFaces): IFaceEdges {
  const found: IFaceEdges = { ends: [], atoms: [] };
  eachFace(faces, (points, atom) => {
    points.forEach((point, k) => {
      const next = points[(k + 1) % points.length];
      const differs = point.findIndex((x, axis) => x !== next[axis]);
      // the face on the other side goes along it the other way
      if (differs >= 0 && point[differs] < next[differs]) {
        found.ends.push(...point, ...next);
        found.atoms.push(atom);
      }
    });
  });
  return found;
}

function eachFace(
  { corners, faceSizes, faceAtoms }: IFaces,
  see: (points: number[][], atom: number) => void
): void {
  let at = 0;
  for (let face = 0; face < faceSizes.length; face++) {
    const points = Array.from({ length: faceSizes[face] }, (_, k) =>
      [0, 1, 2].map(axis => corners[3 * (at + k) + axis])
    );
    at += faceSizes[face];
    see(points, faceAtoms[face]);
  }
}

function normalOf([a, b, c]: number[][]): number[] {
  const [u, v] = [b, c].map(point => point.map((x, axis) => x - a[axis]));
  const out = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const length = Math.hypot(...out) || 1;
  return out.map(x => x / length);
}
