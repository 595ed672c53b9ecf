/** All plugins of the extension. */
import { openingPlugin } from './opening/plugin';

export default [openingPlugin];
