import { PinList, type IHost } from './list';
import { explorersOfPage } from './registry';

const page = globalThis as { xcrystalExplorers?: unknown };
const STRUCTURE = { matrix: [3, 0, 0, 0, 3, 0, 0, 0, 3], species: ['W'], frac_coords: [0, 0, 0] };

const pinOf = (key: number) => ({
  key,
  formula: 'W',
  label: 'decode',
  group: 229,
  symbol: 'Im-3m',
  picture: '<svg />',
  cif: '',
  code: '',
  structure: STRUCTURE
});

/** Puts an explorer with two pins into the page; what it is asked for. */
function put(id: string, keys = [0, 1]) {
  const act = jest.fn();
  explorersOfPage()?.explorers.set(id, {
    id,
    kernel: '',
    model: 'mp20',
    formula: 'W',
    shown: -1,
    full: false,
    pins: keys.map(pinOf),
    node: () => null,
    act
  });
  return act;
}

const told = () => explorersOfPage()?.dispatchEvent(new Event('change'));
const later = () => new Promise<void>(resolve => setTimeout(resolve));

afterEach(() => {
  delete page.xcrystalExplorers;
});

describe('a list of pins', () => {
  it('tells of changes while it is open, once for many', async () => {
    const list = new PinList(() => null);
    list.onChange = jest.fn();
    told();
    await later();
    expect(list.onChange).not.toHaveBeenCalled();
    list.open();
    told();
    told();
    await later();
    expect(list.onChange).toHaveBeenCalledTimes(1);
    told();
    list.close();
    told();
    await later();
    expect(list.onChange).toHaveBeenCalledTimes(1);
  });

  it('leaves out explorers whose kernel is gone, and numbers those of one document', () => {
    ['a', 'b', 'c', 'd'].forEach(id => put(id));
    const host = (name: string, alive = true): IHost => ({ name, alive, reveal: () => undefined });
    const hosts: Record<string, IHost | null> = {
      a: host('x.ipynb'),
      b: host('x.ipynb', false),
      c: host('x.ipynb'),
      d: null
    };
    const list = new PinList(({ id }) => hosts[id]);
    expect(list.listed.map(({ title }) => title)).toEqual(['x.ipynb (1)', 'x.ipynb (2)', '']);
  });

  it('goes to a pin and brings its document to the front', () => {
    const act = put('a');
    const reveal = jest.fn();
    const list = new PinList(() => ({ name: '', alive: true, reveal }));
    list.take({ explorer: 'a', key: 1 });
    expect(act).toHaveBeenCalledWith('go', { key: 1 });
    expect(reveal).toHaveBeenCalledTimes(1);
    list.go({ explorer: 'a', key: 7 });
    expect(act).toHaveBeenCalledTimes(1);
  });

  it('makes a path within an explorer of keys, between two of a structure', () => {
    const [one, other] = [put('a'), put('b')];
    const list = new PinList(() => null);
    expect(list.interpolate({ explorer: 'a', key: 0 }, { explorer: 'a', key: 1 })).toBe(true);
    expect(one).toHaveBeenLastCalledWith('interpolate', { from: 0, to: 1 });
    expect(list.interpolate({ explorer: 'a', key: 0 }, { explorer: 'b', key: 0 })).toBe(true);
    expect(other).toHaveBeenLastCalledWith('interpolate', { from: STRUCTURE, to: 0 });
    expect(one).toHaveBeenCalledTimes(1);
  });

  it('makes no path from a pin to itself, or to what is gone', () => {
    const act = put('a');
    const list = new PinList(() => null);
    expect(list.interpolate({ explorer: 'a', key: 0 }, { explorer: 'a', key: 0 })).toBe(false);
    expect(list.interpolate({ explorer: 'a', key: 0 }, { explorer: 'a', key: 5 })).toBe(false);
    expect(list.interpolate({ explorer: 'z', key: 0 }, { explorer: 'a', key: 0 })).toBe(false);
    expect(act).not.toHaveBeenCalled();
  });

  it('takes the next pin for the end of a path that was begun', () => {
    const act = put('a');
    const list = new PinList(() => null);
    const [start, end] = [0, 1].map(key => ({ explorer: 'a', key }));
    list.choose(start);
    expect(list.from?.pin.key).toBe(0);
    list.take(end);
    expect(act).toHaveBeenLastCalledWith('interpolate', { from: 0, to: 1 });
    expect(list.from).toBeNull();
    list.choose(start);
    list.take(start);
    expect(act).toHaveBeenLastCalledWith('go', { key: 0 });
    list.choose(start);
    put('a', [1]);
    expect(list.from).toBeNull();
    list.take(end);
    expect(act).toHaveBeenCalledTimes(2);
  });
});
