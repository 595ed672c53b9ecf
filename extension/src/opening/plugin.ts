/** The ways into the explorer: launcher, palette, menus, and the file browser's context menu. */
import {
  ILabShell,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification, showErrorMessage } from '@jupyterlab/apputils';
import { IConsoleTracker } from '@jupyterlab/console';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import { DEFAULTS, PLUGIN_ID, readSettings, type IExplorerSettings } from '../settings';
import { againCode, notebookCode, panelCode } from './code';
import { EXPLORER_ICON_URL, explorerIcon } from './icon';
import { pickKernel } from './kernel';
import { openNotebook } from './notebook';
import { ExplorerPanels } from './panel';
import { baseName, isCrystalFile, isReachable, relativePath } from './paths';

/** Ids of the commands. */
export const CommandIDs = {
  /** Opens the explorer; `path`: a file of a crystal to hand over, as JupyterLab's contents name it. */
  open: 'xcrystal:open-explorer',
  /** Opens it on what is selected in the file browser. */
  exploreFile: 'xcrystal:explore-file'
} as const;

/** Opens the explorer. */
export const openingPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Opens the Crystal Explorer in a notebook or in a panel without code.',
  autoStart: true,
  optional: [
    ITranslator,
    ISettingRegistry,
    ILauncher,
    ICommandPalette,
    IFileBrowserFactory,
    IConsoleTracker,
    ILabShell
  ],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null,
    consoles: IConsoleTracker | null,
    lab: ILabShell | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('xcrystal_lab');
    const { commands, serviceManager } = app;
    const { contents, kernelspecs } = serviceManager;

    const loaded = registry?.load(PLUGIN_ID).catch((reason: unknown) => {
      console.error(`The settings of ${PLUGIN_ID} cannot be read.`, reason);
      return null;
    });
    const settings = async (): Promise<IExplorerSettings> => {
      const found = await loaded;
      return found ? readSettings(found.composite) : { ...DEFAULTS };
    };
    // Notebook 7, which has no shell of JupyterLab, opens each document in a page of its own
    const panels =
      lab &&
      consoles &&
      new ExplorerPanels(commands, consoles, async () => againCode(await settings()), trans);

    const refuse = (words: string) =>
      showErrorMessage(trans.__('The Crystal Explorer cannot open'), words);

    const open = async (paths: string[], cwd?: string): Promise<Widget | undefined> => {
      const folder = cwd ?? browsers?.tracker.currentWidget?.model.path ?? '';
      const drive = [folder, ...paths].map(path => contents.driveName(path));
      const far = drive.find(name => !isReachable(name));
      if (far !== undefined) {
        const words = trans.__(
          'A kernel cannot read files of the drive "%1". Copy them to a folder of this server, and open them there.',
          far
        );
        await refuse(words);
        return undefined;
      }
      await kernelspecs.ready;
      const kernel = pickKernel(kernelspecs.specs);
      if (kernel === null) {
        const words = trans.__(
          'There is no Python kernel. Install one with "python -m pip install ipykernel", and load this page anew.'
        );
        await refuse(words);
        return undefined;
      }
      const local = contents.localPath(folder);
      const files = paths.map(path => relativePath(local, contents.localPath(path)));
      const chosen = await settings();
      if (chosen.openIn === 'panel' && panels && commands.hasCommand('console:create')) {
        const name = trans.__('Crystal Explorer');
        return panels.open({
          folder: local,
          kernel,
          title: files.length ? `${baseName(files[0])} – ${name}` : name,
          code: panelCode(chosen, files)
        });
      }
      const code = notebookCode(chosen, files);
      return openNotebook(commands, contents, { folder, kernel, code }, trans);
    };

    const selected = (): string[] =>
      [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])]
        .filter(item => item.type !== 'directory' && isCrystalFile(item.name))
        .map(item => item.path);

    commands.addCommand(CommandIDs.open, {
      label: trans.__('Crystal Explorer'),
      caption: trans.__('Look around in the latent space of a crystal model'),
      icon: explorerIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string', description: trans.__('A crystal file to begin with') },
            cwd: { type: 'string', description: trans.__('The folder of the notebook or kernel') }
          }
        }
      },
      execute: args => {
        const path = typeof args.path === 'string' && args.path ? [args.path] : [];
        return open(path, typeof args.cwd === 'string' ? args.cwd : undefined);
      }
    });

    commands.addCommand(CommandIDs.exploreFile, {
      label: () =>
        trans._n('Explore This Crystal', 'Explore These Crystals', Math.max(selected().length, 1)),
      caption: trans.__('Open the selected crystal file in the Crystal Explorer'),
      icon: explorerIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => selected().length > 0,
      isVisible: () => selected().length > 0,
      execute: async () => {
        const paths = selected();
        if (paths.length === 0) {
          return undefined;
        }
        if (paths.length > 1) {
          const words = trans.__(
            '%1 is opened, and the other selected crystals are laid over the map.',
            baseName(paths[0])
          );
          Notification.info(words, { autoClose: 6000 });
        }
        return open(paths);
      }
    });

    launcher?.add({
      command: CommandIDs.open,
      // as JupyterLab itself calls it, so that the tile stands among the others
      category: (translator ?? nullTranslator).load('jupyterlab').__('Notebook'),
      kernelIconUrl: EXPLORER_ICON_URL,
      rank: 50
    });
    for (const command of [CommandIDs.open, CommandIDs.exploreFile]) {
      palette?.addItem({ command, category: trans.__('Crystals') });
    }
  }
};
