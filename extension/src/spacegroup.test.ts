import { spaceGroupParts } from './spacegroup';

describe('space groups', () => {
  it.each([
    ['Fm-3m', ['Fm', '-3', 'm']],
    ['P6_3/mmc', ['P6', '_3', '/mmc']],
    ['P-1', ['P', '-1']],
    ['I4_1/amd', ['I4', '_1', '/amd']],
    ['Pm', ['Pm']]
  ])('%s is printed in parts', (symbol, parts) => {
    const marks = { plain: '', sub: '_', over: '-' };
    expect(spaceGroupParts(symbol).map(({ text, look }) => marks[look] + text)).toEqual(parts);
  });
});
