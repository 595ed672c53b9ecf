/** All plugins of the extension. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'xcrystal-lab:plugin',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    console.debug('xcrystal-lab', app.name);
  }
};

export default [plugin];
