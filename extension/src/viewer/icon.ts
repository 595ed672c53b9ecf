/** The icon of crystal files. */
import { LabIcon } from '@jupyterlab/ui-components';
import svg from '../../style/icons/crystal.svg';

/** Two kinds of atoms in a cell, in colours that are seen on light and on dark. */
export const crystalIcon = new LabIcon({ name: 'xcrystal-lab:crystal', svgstr: svg });
