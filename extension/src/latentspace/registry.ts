/**
 * The explorers of a page, for whoever lists them, such as the side panel "Latent space".
 *
 * `globalThis.xcrystalExplorers` is an EventTarget with a `version` and `explorers`, a Map from id to explorer, made by
 * whoever needs it first. It fires "change" after every change. An explorer is there as long as its kernel answers.
 * A pin that is dragged carries JSON {explorer, key} of the type PIN_TYPE.
 *
 * All that is read here comes from kernels, so that each value is checked before anything is done with it.
 */

export const REGISTRY_VERSION = 1;
export const PIN_TYPE = 'application/vnd.xcrystal.pin+json';

/** An ordered structure: nine numbers of its cell in Å, symbols, and fractional coordinates. */
export interface IPlainStructure {
  matrix: number[];
  species: string[];
  frac_coords: number[];
}

/** A crystal that is pinned in an explorer. */
export interface IPin {
  key: number;
  formula: string;
  label: string;
  group: number;
  /** Plain text: "P6_3/mmc". */
  symbol: string;
  /** SVG, for <img> only. */
  picture: string;
  cif: string;
  code: string;
  structure: IPlainStructure;
}

/**
 * The acts that an explorer does: pin {}, go {key}, unpin {key}, interpolate {from, to}, where an end is the key of a
 * pin or the structure of a pin of another explorer.
 */
export type Act = 'pin' | 'go' | 'unpin' | 'interpolate';

/** An explorer that is running. */
export interface IExplorer {
  id: string;
  /** Id of its kernel; empty where that is not known. */
  kernel: string;
  model: string;
  formula: string;
  /** Key of the pin that is shown, or -1. */
  shown: number;
  /** Whether no more can be pinned. */
  full: boolean;
  pins: IPin[];
  /** An element of it that is shown somewhere. */
  node(): Element | null;
  act(name: Act, details?: Record<string, unknown>): void;
}

interface IRegistry extends EventTarget {
  version: number;
  explorers: Map<string, unknown>;
}

const MOST_TEXT = 2_000_000;
const MOST_PINS = 500;

/** The registry, made where there is none; null if another version of it is in its place. */
export function explorersOfPage(): IRegistry | null {
  const page = globalThis as { xcrystalExplorers?: IRegistry };
  const known = page.xcrystalExplorers;
  if (known) {
    return known.version === REGISTRY_VERSION && known.explorers instanceof Map ? known : null;
  }
  const made = Object.assign(new EventTarget(), {
    version: REGISTRY_VERSION,
    explorers: new Map<string, unknown>()
  });
  page.xcrystalExplorers = made;
  return made;
}

/** All explorers of the page whose values are what they should be, in the order in which they came. */
export function listExplorers(): IExplorer[] {
  const found = [...(explorersOfPage()?.explorers.values() ?? [])];
  return found.map(readExplorer).filter(entry => entry !== null);
}

/** An explorer with only those pins that are what they should be; null if it is none. */
export function readExplorer(value: unknown): IExplorer | null {
  if (!isRecord(value)) {
    return null;
  }
  try {
    const { id, kernel, model, formula, shown, full, pins, node, act } = value;
    const texts = [id, kernel, model, formula];
    if (!texts.every(text => isText(text, 1000)) || id === '' || !Array.isArray(pins)) {
      return null;
    }
    if (typeof node !== 'function' || typeof act !== 'function') {
      return null;
    }
    return {
      id: id as string,
      kernel: kernel as string,
      model: model as string,
      formula: formula as string,
      shown: Number.isInteger(shown) ? (shown as number) : -1,
      full: full === true,
      pins: pins
        .slice(0, MOST_PINS)
        .map(readPin)
        .filter(pin => pin !== null),
      node: () => {
        const found: unknown = node();
        return found instanceof Element ? found : null;
      },
      act: (name, details = {}) => act(name, details)
    };
  } catch {
    return null;
  }
}

/** A pin with values of the right kinds; null if it has others. */
export function readPin(value: unknown): IPin | null {
  if (!isRecord(value)) {
    return null;
  }
  const { key, formula, label, group, symbol, picture, cif, code } = value;
  const structure = readStructure(value.structure);
  const short = [formula, symbol].every(text => isText(text, 200)) && isText(label, 5000);
  const long = [picture, cif, code].every(text => isText(text, MOST_TEXT));
  const numbers = isCount(key) && isCount(group) && group >= 1 && group <= 230;
  if (
    !short ||
    !long ||
    !numbers ||
    structure === null ||
    !(picture as string).startsWith('<svg ')
  ) {
    return null;
  }
  return { key, formula, label, group, symbol, picture, cif, code, structure } as IPin;
}

function readStructure(value: unknown): IPlainStructure | null {
  if (!isRecord(value)) {
    return null;
  }
  const { matrix, species, frac_coords: points } = value;
  const fits =
    Array.isArray(species) &&
    species.every(symbol => isText(symbol, 3)) &&
    isNumbers(matrix, 9) &&
    isNumbers(points, 3 * species.length);
  return fits ? ({ matrix, species, frac_coords: points } as IPlainStructure) : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isNumbers(value: unknown, length: number): value is number[] {
  return (
    Array.isArray(value) &&
    value.length === length &&
    value.every(number => Number.isFinite(number))
  );
}
