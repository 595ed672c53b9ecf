/** All plugins of the extension. */
import { latentSpacePlugin } from './latentspace/plugin';
import { mimePlugin } from './mime/plugin';
import { openingPlugin } from './opening/plugin';
import { viewerPlugin } from './viewer/plugin';

export default [openingPlugin, viewerPlugin, mimePlugin, latentSpacePlugin];
