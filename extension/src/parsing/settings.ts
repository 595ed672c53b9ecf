/** The settings that space groups are written in, by every symbol that files give: as `xcrystal.crystal.symmetry.space_group_settings`. */
import type { Matrix } from '../lattice';
import type { Vector } from '../crystal';
import { plain } from './numbers';
import table from './space_groups.json';
import type { IOperation } from './symmetry';

/** One setting of a space group. */
export interface ISetting {
  /** Of the space group, 1 to 230. */
  number: number;
  /** What tells it from the others of its group. */
  choice: string;
  /** Full Hermann-Mauguin symbol. */
  symbol: string;
  hall: string;
  /** Two letters for each operation. */
  letters: string;
}

type Row = [number, string, string, string, string];

const all = (table.settings as Row[]).map(([number, choice, symbol, hall, letters]): ISetting => ({
  number,
  choice,
  symbol,
  hall,
  letters
}));
const names = new Map(Object.entries(table.names as Record<string, number[]>));
const ORIGINS: Readonly<Record<string, string>> = { s: '1', z: '2' };

/** All operations of a setting, centring translations included. */
export function operationsIn({ letters }: ISetting): IOperation[] {
  const index = (at: number) => table.alphabet.indexOf(letters[at]);
  return Array.from({ length: letters.length / 2 }, (_, k) => {
    const turn = table.rotations[index(2 * k)];
    const shift = table.translations[index(2 * k + 1)];
    return {
      rotation: [0, 3, 6].map(begin => turn.slice(begin, begin + 3)) as Matrix,
      shift: shift.map(x => x / table.grid) as Vector
    };
  });
}

/** All settings of a space group, the usual one first. */
export function settingsOfNumber(number: number): ISetting[] {
  return usualFirst(all.filter(setting => setting.number === number));
}

/** The setting of a Hall symbol, or none. */
export function settingsOfHall(symbol: string): ISetting[] {
  const key = spaced(symbol);
  return all.filter(setting => spaced(setting.hall) === key).slice(0, 1);
}

/** The settings that a Hermann-Mauguin symbol may stand for, the usual one first; none if it is not known. */
export function settingsOfSymbol(symbol: string): ISetting[] {
  const [name, ...rest] = plain(symbol).split(':');
  let choice = rest.join(':').trim().toLowerCase();
  let key = squashed(name);
  if (!names.has(key) && choice === '' && /[szhr]$/.test(key)) {
    choice = key.slice(-1); // as older files have it: "F d -3 m S"
    key = key.slice(0, -1);
  }
  const found = (names.get(key) ?? []).map(hall => all[hall - 1]);
  choice = ORIGINS[choice] ?? choice;
  return usualFirst(choice === '' ? found : found.filter(setting => isChoice(setting, choice)));
}

function isChoice({ choice, number }: ISetting, wanted: string): boolean {
  const own = choice.toLowerCase();
  const monoclinic = number >= 3 && number <= 15;
  return [own, own.slice(0, 1), monoclinic ? own.slice(-1) : ''].includes(wanted);
}

/** With its blanks, as "P 32" and "P 3 2" are two. */
function spaced(symbol: string): string {
  return plain(symbol)
    .split(/[\s_]+/)
    .filter(Boolean)
    .join(' ')
    .toLowerCase();
}

function squashed(symbol: string): string {
  return plain(symbol)
    .replace(/<[^<>]*>|[\s_()\\]/g, '')
    .toLowerCase();
}

function usualFirst(settings: ISetting[]): ISetting[] {
  const rank = ({ choice }: ISetting) =>
    2 * Number(choice.startsWith('1')) + Number(choice === 'R');
  return [...settings].sort((a, b) => rank(a) - rank(b));
}
