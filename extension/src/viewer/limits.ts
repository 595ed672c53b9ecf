/** From which size on a file asks before it is read or drawn. */
import { grouped, type IWords } from './captions';

/** Sizes up to which nothing is asked. */
export interface ILimits {
  atoms: number;
  megabytes: number;
}

/** What the schema says as well. */
export const DEFAULT_LIMITS: Readonly<ILimits> = { atoms: 5000, megabytes: 10 };

/** A question, and the label of the button that says yes. */
export interface IQuestion {
  question: string;
  yes: string;
}

/** The limits in what JupyterLab has put together of defaults and a user's own. */
export function readLimits(composite: Readonly<Record<string, unknown>>): ILimits {
  const positive = (value: unknown, fallback: number): number =>
    typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : fallback;
  return {
    atoms: positive(composite['drawLimitAtoms'], DEFAULT_LIMITS.atoms),
    megabytes: positive(composite['drawLimitMegabytes'], DEFAULT_LIMITS.megabytes)
  };
}

/** What to ask before so much text is read; null if it is small enough. */
export function askToRead(characters: number, limits: ILimits, trans: IWords): IQuestion | null {
  const megabytes = characters / 1e6;
  if (megabytes <= limits.megabytes) {
    return null;
  }
  const size = megabytes.toFixed(1);
  return {
    question: trans.__('This file has %1 MB. To read it may take a while.', size),
    yes: trans.__('Read %1 MB', size)
  };
}

/** What to ask before so many atoms are drawn; null if they are few enough. */
export function askToDraw(atoms: number, limits: ILimits, trans: IWords): IQuestion | null {
  if (atoms <= limits.atoms) {
    return null;
  }
  const count = grouped(atoms);
  return {
    question: trans.__('There are %1 atoms in this file. To draw them may take a while.', count),
    yes: trans.__('Draw %1 atoms', count)
  };
}
