/** How files are named, and what a dragged pin carries. */

/** A pin of an explorer of the page. */
export interface IPlace {
  explorer: string;
  key: number;
}

const LONGEST_NAME = 80;

/** A name for a CIF file that every system takes. */
export function cifName(formula: string, symbol: string): string {
  const safe = `${formula}-${symbol}`
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, LONGEST_NAME);
  return `${safe || 'crystal'}.cif`;
}

/** What a drag carries. */
export function writePlace(place: IPlace): string {
  return JSON.stringify({ explorer: place.explorer, key: place.key });
}

/** What was dropped; null if it is no pin. */
export function readPlace(text: string): IPlace | null {
  try {
    const { explorer, key } = JSON.parse(text);
    const fits =
      typeof explorer === 'string' && explorer !== '' && Number.isInteger(key) && key >= 0;
    return fits ? { explorer, key } : null;
  } catch {
    return null;
  }
}

/** Whether two places are the same. */
export function samePlace(one: IPlace | null, other: IPlace | null): boolean {
  return one !== null && other !== null && one.explorer === other.explorer && one.key === other.key;
}
