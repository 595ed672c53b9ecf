/** Which names are drawn on double click. */
import { crystalFileTypes } from './filetypes';
import { isCrystalFile } from './opening/paths';

const types = crystalFileTypes({ __: text => text, _n: text => text });

/** As JupyterLab chooses: patterns first, then endings, the longest first. */
function kindOf(name: string): string | undefined {
  const byPattern = types.find(({ pattern }) => pattern && name.match(pattern));
  const lower = name.toLowerCase();
  const byEnding = types.find(({ extensions }) => extensions.some(end => lower.endsWith(end)));
  return (byPattern ?? byEnding)?.name;
}

test.each([
  ['NaCl.cif', 'xcrystal-cif'],
  ['NACL.CIF', 'xcrystal-cif'],
  ['POSCAR', 'xcrystal-poscar'],
  ['CONTCAR.relaxed', 'xcrystal-poscar'],
  ['POSCAR_TiO2', 'xcrystal-poscar'],
  ['TiO2.vasp', 'xcrystal-poscar'],
  ['relax.extxyz', 'xcrystal-xyz'],
  ['water.xyz', 'xcrystal-xyz'],
  ['Si.xsf', 'xcrystal-xsf'],
  ['NaCl.structure.json', 'xcrystal-structure-json'],
  ['NaCl.pymatgen.json', 'xcrystal-structure-json'],
  ['package.json', undefined],
  ['structure.json', undefined],
  ['POSCARS', undefined],
  ['notes.txt', undefined]
])('%s is %s', (name, kind) => {
  expect(kindOf(name)).toBe(kind);
  if (kind) {
    expect(isCrystalFile(name)).toBe(true);
  }
});
