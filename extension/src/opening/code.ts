/** The Python that opens the explorer. Names of files and settings are only ever put in as string literals. */
import { DEFAULTS, type IExplorerSettings } from '../settings';

/** What the explorer shows first, as paths that the kernel finds; all but the first are laid over its map. */
export type Files = readonly string[];

// What nobody sees in an editor, or sees in another place than where it is: controls, joiners, marks of direction.
const UNSEEN = /[\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g;

/**
 * A text as a Python string literal on one line.
 *
 * JSON's escapes are also Python's, those of lone surrogates included.
 */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    UNSEEN,
    char => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0')
  );
}

/** The call that opens the explorer; what is as Python has it by itself is left out. */
export function exploreCall(settings: IExplorerSettings, files: Files = []): string {
  const [first, ...others] = files;
  const chosen: [string, string, string][] = [
    ['model', settings.model, DEFAULTS.model],
    ['device', settings.device, DEFAULTS.device],
    ['color_map', settings.colourMap, DEFAULTS.colourMap],
    ['method', settings.attributionMethod, DEFAULTS.attributionMethod]
  ];
  const parts = [
    ...(first === undefined ? [] : [pythonString(first)]),
    ...(others.length ? [`overlay=[${others.map(pythonString).join(', ')}]`] : []),
    ...chosen
      .filter(([, value, usual]) => value !== usual)
      .map(([name, value]) => `${name}=${pythonString(value)}`)
  ];
  return `xc.explore(${parts.join(', ')})`;
}

/** The cell of a notebook that opens the explorer. */
export function notebookCode(settings: IExplorerSettings, files: Files = []): string {
  return `import xcrystal as xc\n\n${exploreCall(settings, files)}`;
}

/** The same for a panel, whose explorer keeps a name so that a page that is loaded anew can show it again. */
export function panelCode(settings: IExplorerSettings, files: Files = []): string {
  return `import xcrystal as xc\n\nexplorer = ${exploreCall(settings, files)}\nexplorer`;
}

/** Shows the explorer of a panel that was restored; opens a new one if its kernel has ended in between. */
export function againCode(settings: IExplorerSettings): string {
  return [
    'if "explorer" not in globals():',
    '    import xcrystal as xc',
    '',
    `    explorer = ${exploreCall(settings)}`,
    'explorer'
  ].join('\n');
}
