/** A structure that is the last line of a cell is drawn in 3-D. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { speak } from '../words';
import { rendererFactory } from './renderer';

/** Draws outputs. */
export const mimePlugin: JupyterFrontEndPlugin<void> = {
  id: 'xcrystal-lab:mime',
  description: 'Draws structures in outputs of cells.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('xcrystal_lab');
    speak(trans);
    registry.addFactory(rendererFactory(trans));
  }
};
