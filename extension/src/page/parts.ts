/** What a page is given: parts of JSON with arrays in base64, as `xcrystal/explorer/static_page/packing.py` writes them. */
import type { ILegend, Landmark } from '../widgets/map_layer';

/** Kind and bytes of an array. */
export type Packed = [kind: 'f4' | 'u1' | 'u2' | 'i4', base64: string];

/** What colours the points of the map. */
export interface IColoring {
  name: string;
  title: string;
  values: Packed;
  kinds: string[];
  absent: string;
  span: [number, number];
  scale: [number, string][];
  legend: ILegend;
}

/** A property that the model predicts. */
export interface IProperty {
  name: string;
  title: string;
  unit: string;
}

/** Values of n points, and the ends of their intervals, by property; null for what is not finite. */
export interface IPredicted {
  values: Record<string, (number | null)[]>;
  intervals: Record<string, ([number, number] | null)[]>;
}

/** The points of the map. */
export interface IMapPart {
  title: string;
  model: string;
  /** Whether it is one of xcrystal's own autoencoders, not a model of somebody else's. */
  ours: boolean;
  n: number;
  x: Packed;
  y: Packed;
  ids: string[];
  formulas: string[];
  groups: Packed;
  /** By number. */
  symbols: string[];
  colorings: IColoring[];
  landmarks: Landmark[];
  layout: object;
  config: object;
  /** Pixels of a point; and how much larger it is where colours are categories. */
  sizes: [number, number];
  unknown: string;
  /** Whether data of the Materials Project are among them. */
  credit: boolean;
  properties: IProperty[];
  caution: string;
}

/** Why the model predicts a property. */
export interface IExplained {
  said: string;
  span: number;
  rows: [label: string, value: number, text: string, color: string][];
  /** Red, green and blue of each atom. */
  colors: Packed;
}

/** A path between two crystals. */
export interface IPath extends IPredicted {
  /** Number of the crystal of its first frame. */
  first: number;
  ends: [number, number];
  title: string;
  xy: [number, number][];
  near: number[];
  formulas: string[];
}

/** The crystals that were decoded. */
export interface ICrystalPart {
  /** Rows of the atlas whose crystals come first. */
  rows: Packed;
  /** The row that is shown first. */
  first: number;
  /** Of each row, the number of the decoded crystal that is nearest in latent space. */
  nearest: Packed;
  explained: Record<string, Record<string, IExplained>>;
  grid: IPredicted & { first: number; side: number; xy: Packed; width: number; near: number[] };
  paths: IPath[];
  crystals: IPackedCrystals;
}

/** Crystals one after the other. */
export interface IPackedCrystals {
  groups: Packed;
  counts: Packed;
  cells: Packed;
  elements: Packed;
  positions: Packed;
}

/** What is predicted of each crystal of the atlas. */
export interface IPredictionPart {
  values: Record<string, Packed>;
  intervals: Record<string, Packed>;
}

/** What the scripts of the parts call, each once. */
export interface IReceiver {
  map(part: IMapPart): void;
  crystals(part: ICrystalPart): void;
  predictions(part: IPredictionPart): void;
}

/** Numbers of a packed array. */
export type Numbers = Float32Array | Uint8Array | Uint16Array | Int32Array;

/** The numbers of a packed array; browsers that run this are little-endian, as the bytes are. */
export function unpack([kind, base64]: Packed): Numbers {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) {
    bytes[k] = text.charCodeAt(k);
  }
  switch (kind) {
    case 'f4':
      return new Float32Array(bytes.buffer);
    case 'u2':
      return new Uint16Array(bytes.buffer);
    case 'i4':
      return new Int32Array(bytes.buffer);
    default:
      return bytes;
  }
}
