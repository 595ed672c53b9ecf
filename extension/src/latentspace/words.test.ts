import { cifName, readPlace, samePlace, writePlace } from './words';

describe('names of files', () => {
  it.each([
    ['BaTiO3', 'Pm-3m', 'BaTiO3-Pm-3m.cif'],
    ['TiO2', 'P6_3/mmc', 'TiO2-P6_3-mmc.cif'],
    ['../../etc/passwd', '', 'etc-passwd.cif'],
    ['<img>', '\n', 'img.cif'],
    ['…', '', 'crystal.cif'],
    ['Na'.repeat(99), 'P1', `${'Na'.repeat(40)}.cif`]
  ])('%p in %p', (formula, symbol, name) => {
    expect(cifName(formula, symbol)).toBe(name);
  });
});

describe('what a drag carries', () => {
  it('comes back', () => {
    const place = { explorer: 'a', key: 3 };
    expect(readPlace(writePlace(place))).toEqual(place);
    expect(samePlace(place, { explorer: 'a', key: 3 })).toBe(true);
    expect(samePlace(place, { explorer: 'b', key: 3 })).toBe(false);
    expect(samePlace(place, null)).toBe(false);
  });

  it.each([
    '',
    'x',
    'null',
    '[]',
    '{"explorer": "a"}',
    '{"explorer": "", "key": 1}',
    '{"explorer": "a", "key": -1}'
  ])('is nothing of %p', text => {
    expect(readPlace(text)).toBeNull();
  });
});
