/** All plugins of the extension. */
import { latentSpacePlugin } from './latentspace/plugin';
import { openingPlugin } from './opening/plugin';

export default [openingPlugin, latentSpacePlugin];
