import { baseName, isCrystalFile, isReachable, relativePath } from './paths';

describe('isCrystalFile', () => {
  it.each([
    'NaCl.cif',
    'NaCl.CIF',
    'POSCAR',
    'CONTCAR',
    'POSCAR.relaxed',
    'poscar_2',
    'NaCl.POSCAR',
    'run.vasp',
    'a.xyz',
    'a.extxyz',
    'a.xsf',
    'structure.json'
  ])('%s can be one', name => {
    expect(isCrystalFile(name)).toBe(true);
  });

  it.each(['notes.txt', 'cif', 'a.cif.zip', 'POSCARS', 'run.ipynb', 'jsonish'])(
    '%s can be none',
    name => {
      expect(isCrystalFile(name)).toBe(false);
    }
  );
});

describe('relativePath', () => {
  it.each([
    ['', 'NaCl.cif', 'NaCl.cif'],
    ['', 'data/NaCl.cif', 'data/NaCl.cif'],
    ['data', 'data/NaCl.cif', 'NaCl.cif'],
    ['/data/', '/data/deep/NaCl.cif', 'deep/NaCl.cif'],
    ['data/one', 'data/two/NaCl.cif', '../two/NaCl.cif'],
    ['a/b/c', 'NaCl.cif', '../../../NaCl.cif'],
    ['data', 'database/NaCl.cif', '../database/NaCl.cif']
  ])('from %j to %j', (folder, path, expected) => {
    expect(relativePath(folder, path)).toBe(expected);
  });
});

describe('isReachable', () => {
  it('is true where kernels have the same files', () => {
    expect(['', 'RTC', 'Google'].map(isReachable)).toEqual([true, true, false]);
  });
});

describe('baseName', () => {
  it('is the last part', () => {
    expect(['a/b.cif', 'b.cif', ''].map(baseName)).toEqual(['b.cif', 'b.cif', '']);
  });
});
