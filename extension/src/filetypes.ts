/**
 * Which files are crystals.
 *
 * CIF, POSCAR, XYZ and XSF files are drawn on double click. A `.json` file may be anything, and
 * keeps the viewer that JupyterLab has for it: the drawing is offered in "Open With". Only a name
 * that says so, `NAME.structure.json` or `NAME.pymatgen.json`, is drawn on double click.
 */
import type { IWords } from './viewer/captions';

/** What JupyterLab has to know of a kind of files. */
export interface ICrystalFileType {
  name: string;
  displayName: string;
  extensions: string[];
  mimeTypes: string[];
  pattern?: string;
  fileFormat: 'text';
  contentType: 'file';
}

/** All kinds of files that are drawn on double click. */
export function crystalFileTypes(trans: IWords): ICrystalFileType[] {
  const type = (
    name: string,
    displayName: string,
    extensions: string[],
    mimeType: string,
    pattern?: string
  ): ICrystalFileType => ({
    name: `xcrystal-${name}`,
    displayName,
    extensions,
    mimeTypes: [mimeType],
    ...(pattern ? { pattern } : {}),
    fileFormat: 'text',
    contentType: 'file'
  });
  const poscar = '^(POSCAR|CONTCAR)([._ -].*)?$|[._-](POSCAR|CONTCAR)$';
  return [
    type('cif', trans.__('Crystal (CIF)'), ['.cif'], 'chemical/x-cif'),
    type('poscar', trans.__('Crystal (POSCAR)'), ['.vasp', '.poscar'], 'chemical/x-poscar', poscar),
    type('xyz', trans.__('Crystal (XYZ)'), ['.xyz', '.extxyz'], 'chemical/x-xyz'),
    type('xsf', trans.__('Crystal (XSF)'), ['.xsf'], 'chemical/x-xsf'),
    type(
      'structure-json',
      trans.__('Crystal (pymatgen JSON)'),
      ['.structure.json', '.pymatgen.json'],
      'application/json'
    )
  ];
}
