/** A crystal as the extension knows it, whatever file it comes from. */

/** Three numbers: a point, a vector, or one number for each axis. */
export type Vector = [number, number, number];

/** What occupies a site, or a part of it. */
export interface ISpecies {
  /** Of an element, "H" for its isotopes too, "X" if it is none. */
  symbol: string;
  /** 1 for a full site. */
  occupancy: number;
}

/** A place in the cell. */
export interface ISite {
  /** The most abundant first. */
  species: ISpecies[];
  /** Fractional; in Å if the crystal is not periodic. */
  position: Vector;
}

/** A crystal, or a molecule if it is not periodic. */
export interface ICrystal {
  /** What the file calls it; may be empty. */
  title: string;
  /** Rows a, b and c in Å; the unit matrix if not periodic. */
  lattice: [Vector, Vector, Vector];
  periodic: boolean;
  sites: ISite[];
  /** Of each site, red, green and blue, 0 to 1, where it is not the element that colours it. */
  colours?: Vector[];
  /** What could not be shown, in words. */
  notes: string[];
}
