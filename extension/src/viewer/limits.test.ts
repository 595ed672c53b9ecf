/** Limits, and who has a WebGL context. */
import type { IWords } from './captions';
import { ContextPool, type IDrawing } from './contexts';
import { DEFAULT_LIMITS, askToDraw, askToRead, readLimits } from './limits';
import schema from '../../schema/plugin.json';

const words: IWords = {
  __: (text, ...args) => text.replace(/%(\d)/g, (_, k) => String(args[Number(k) - 1])),
  _n: (one, many, n, ...args) => words.__(n === 1 ? one : many, ...args)
};

test('nothing is asked up to the limits', () => {
  expect(askToDraw(5000, DEFAULT_LIMITS, words)).toBeNull();
  expect(askToDraw(12000, DEFAULT_LIMITS, words)?.yes).toBe('Draw 12,000 atoms');
  expect(askToRead(10e6, DEFAULT_LIMITS, words)).toBeNull();
  expect(askToRead(12.34e6, DEFAULT_LIMITS, words)?.yes).toBe('Read 12.3 MB');
});

test('settings that are no sizes are the defaults, which the schema has, too', () => {
  expect(readLimits({ drawLimitAtoms: 20, drawLimitMegabytes: 0.5 })).toEqual({
    atoms: 20,
    megabytes: 0.5
  });
  expect(readLimits({ drawLimitAtoms: -1, drawLimitMegabytes: 'much' })).toEqual(DEFAULT_LIMITS);
  expect(schema.properties.drawLimitAtoms.default).toBe(DEFAULT_LIMITS.atoms);
  expect(schema.properties.drawLimitMegabytes.default).toBe(DEFAULT_LIMITS.megabytes);
});

class Drawn implements IDrawing {
  constructor(readonly inView: boolean) {}
  released = 0;
  release(): void {
    this.released++;
  }
}

test('hidden drawings give their context back first, then the oldest', () => {
  const pool = new ContextPool(2);
  const [seen, hidden, third, fourth] = [true, false, true, true].map(view => new Drawn(view));
  pool.take(seen);
  pool.take(hidden);
  pool.take(seen); // has one already
  expect([pool.size, seen.released, hidden.released]).toEqual([2, 0, 0]);
  pool.take(third);
  expect([pool.size, seen.released, hidden.released]).toEqual([2, 0, 1]);
  pool.take(fourth);
  expect([pool.size, seen.released, third.released]).toEqual([2, 1, 0]);
  pool.drop(third);
  expect(pool.size).toBe(1);
});
