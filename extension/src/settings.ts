/** What the settings editor offers, read with care: a setting that is not what it should be is the default. */

/** Where the explorer opens. */
export type OpenIn = 'notebook' | 'panel';

/** The settings of the extension that are about the explorer. */
export interface IExplorerSettings {
  openIn: OpenIn;
  /** Name or folder of a model. */
  model: string;
  device: string;
  colourMap: string;
  attributionMethod: string;
}

/** The plugin whose schema holds the settings. */
export const PLUGIN_ID = 'xcrystal-lab:plugin';

/** What the schema says as well, and what Python does without arguments. */
export const DEFAULTS: Readonly<IExplorerSettings> = {
  openIn: 'notebook',
  model: 'mp20',
  device: 'auto',
  colourMap: 'viridis',
  attributionMethod: 'shapley'
};

/** The settings in what JupyterLab has put together of defaults and a user's own. */
export function readSettings(composite: Readonly<Record<string, unknown>>): IExplorerSettings {
  const text = (name: Exclude<keyof IExplorerSettings, 'openIn'>): string => {
    const value = composite[name];
    return typeof value === 'string' && value.trim() ? value.trim() : DEFAULTS[name];
  };
  return {
    openIn: composite['openIn'] === 'panel' ? 'panel' : DEFAULTS.openIn,
    model: text('model'),
    device: text('device'),
    colourMap: text('colourMap'),
    attributionMethod: text('attributionMethod')
  };
}
