/** The data blocks of a CIF file: names and the values they stand for. */
import { trans } from '../words';
import { type ParseError, errorAt, quoted } from './error';
import { type IToken, tokensOf } from './tokens';

/** The values of one name: one, or as many as its loop has rows. */
export interface IColumn {
  values: string[];
  /** The line of each value, from 1. */
  lines: number[];
  /** What is wrong with its loop; said only where the column is needed. */
  broken?: ParseError;
}

/** What stands between one "data_" and the next. */
export interface IBlock {
  name: string;
  /** From 1. */
  line: number;
  /** By name, in small letters and with "_" for ".", so that old and new dictionaries are alike. */
  columns: Map<string, IColumn>;
}

/** All data blocks; none if the text is no CIF file. */
export function blocksOf(text: string): IBlock[] {
  const blocks: IBlock[] = [];
  const reader = new Reader(tokensOf(text));
  while (reader.next) {
    const token = reader.take();
    const kind = kindOf(token);
    const block = blocks[blocks.length - 1];
    if (kind === 'data') {
      blocks.push({ name: token.text.slice(5), line: token.line, columns: new Map() });
    } else if (kind === 'name' && block) {
      const value = reader.next && kindOf(reader.next) === 'value' ? reader.take() : null;
      const column: IColumn = { values: [], lines: [] };
      if (value) {
        column.values.push(value.text);
        column.lines.push(value.line);
      }
      put(block, token.text, column);
    } else if (kind === 'loop' && block) {
      readLoop(reader, block, token.line);
    }
  }
  return blocks;
}

type Kind = 'data' | 'loop' | 'name' | 'other' | 'value';

function kindOf({ text, quoted }: IToken): Kind {
  if (quoted) {
    return 'value';
  }
  if (text.startsWith('_')) {
    return 'name';
  }
  const begin = text.slice(0, 7).toLowerCase();
  if (begin.startsWith('data_')) {
    return 'data';
  }
  if (begin === 'loop_') {
    return 'loop';
  }
  return begin.startsWith('save_') || begin === 'stop_' || begin === 'global_' ? 'other' : 'value';
}

class Reader {
  next: IToken | null;

  constructor(private tokens: Iterator<IToken>) {
    this.next = null;
    this.take();
  }

  take(): IToken {
    const taken = this.next;
    const { value, done } = this.tokens.next();
    this.next = done ? null : (value as IToken);
    return taken as IToken;
  }
}

function readLoop(reader: Reader, block: IBlock, line: number): void {
  const names: string[] = [];
  while (reader.next && kindOf(reader.next) === 'name') {
    names.push(reader.take().text);
  }
  const columns = names.map((): IColumn => ({ values: [], lines: [] }));
  let count = 0;
  while (reader.next && kindOf(reader.next) === 'value') {
    const token = reader.take();
    if (columns.length > 0) {
      const column = columns[count++ % columns.length];
      column.values.push(token.text);
      column.lines.push(token.line);
    }
  }
  if (columns.length > 0 && count % columns.length !== 0) {
    const broken = errorAt(
      line,
      trans.__(
        'the loop that begins here has %1 values for %2 columns: some are missing or superfluous.',
        count,
        columns.length
      )
    );
    columns.forEach(column => {
      column.broken = broken;
    });
  }
  names.forEach((name, k) => put(block, name, columns[k]));
}

function put(block: IBlock, name: string, column: IColumn): void {
  const key = name.toLowerCase().replace(/\./g, '_');
  const before = block.columns.get(key);
  if (!before) {
    block.columns.set(key, column);
  } else if (
    before.values.length !== column.values.length ||
    before.values.some((value, k) => value !== column.values[k])
  ) {
    before.broken ??= errorAt(
      column.lines[0] ?? block.line,
      trans.__('%1 is given twice, with different values.', quoted(name))
    );
  }
}
