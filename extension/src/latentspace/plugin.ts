/** The side panel "Latent space" in JupyterLab: where it is, its commands, and the menu of its pins. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Hosts } from './hosts';
import { latentSpaceIcon } from './icon';
import { PinList, type IFound } from './list';
import { LatentSpacePanel } from './panel';
import { saveFile } from '../save_file';
import { cifName, type IPlace } from './words';

/** Ids of the commands; all but the first are for the menu of a pin. */
export const CommandIDs = {
  show: 'xcrystal:show-latent-space',
  go: 'xcrystal:go-to-pin',
  from: 'xcrystal:path-from-pin',
  to: 'xcrystal:path-to-pin',
  exportCif: 'xcrystal:export-pin',
  copyCode: 'xcrystal:copy-pin',
  unpin: 'xcrystal:unpin'
} as const;

const CARD = '.xc-ls-card';

/** Lists the pinned crystals of all running explorers. */
export const latentSpacePlugin: JupyterFrontEndPlugin<void> = {
  id: 'xcrystal-lab:latent-space',
  description: 'A side panel with the pinned crystals of all running explorers.',
  autoStart: true,
  optional: [ITranslator, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('xcrystal_lab');
    const { commands, shell } = app;
    const hosts = new Hosts(shell, () => list.refresh());
    const list: PinList = new PinList(explorer => hosts.of(explorer));
    const panel = new LatentSpacePanel(list, trans, () => {
      void commands.execute('xcrystal:open-explorer');
    });
    shell.add(panel, 'right', { rank: 850, type: 'Latent space' });
    restorer?.add(panel, panel.id);

    const place = (): IPlace | null => {
      const card = app.contextMenuHitTest(node => node.matches(CARD));
      const { explorer, pin } = card?.dataset ?? {};
      return explorer === undefined || pin === undefined ? null : { explorer, key: Number(pin) };
    };
    const found = (): IFound | null => {
      const at = place();
      return at && list.find(at);
    };
    const add = (id: string, label: string, execute: (at: IPlace, pin: IFound) => void) =>
      commands.addCommand(id, {
        label,
        isEnabled: () => found() !== null,
        execute: () => {
          const [at, pin] = [place(), found()];
          if (at && pin) {
            execute(at, pin);
          }
        }
      });

    commands.addCommand(CommandIDs.show, {
      label: trans.__('Show Latent Space'),
      caption: trans.__('The pinned crystals of all running explorers'),
      icon: latentSpaceIcon,
      execute: () => shell.activateById(panel.id)
    });
    palette?.addItem({ command: CommandIDs.show, category: trans.__('Crystals') });

    add(CommandIDs.go, trans.__('Go There'), at => list.go(at));
    add(CommandIDs.from, trans.__('Path from Here to…'), at => {
      list.choose(null);
      list.choose(at);
    });
    commands.addCommand(CommandIDs.to, {
      label: () => trans.__('Path from %1 to Here', list.from?.pin.formula ?? ''),
      isVisible: () => list.from !== null && list.from.pin !== found()?.pin,
      execute: () => {
        const [from, to] = [list.from, place()];
        if (from && to) {
          list.interpolate({ explorer: from.explorer.id, key: from.pin.key }, to);
        }
      }
    });
    add(CommandIDs.exportCif, trans.__('Export CIF'), (_, { pin }) => {
      saveFile(cifName(pin.formula, pin.symbol), new Blob([pin.cif], { type: 'chemical/x-cif' }));
    });
    add(CommandIDs.copyCode, trans.__('Copy as Code'), (_, { pin }) => {
      Clipboard.copyToSystem(pin.code);
      const words = trans.__('Copied: run it in a notebook cell to come to %1.', pin.formula);
      Notification.success(words, { autoClose: 3000 });
    });
    add(CommandIDs.unpin, trans.__('Unpin'), at => list.unpin(at));

    const { go, from, to, exportCif, copyCode, unpin } = CommandIDs;
    [[go], [from, to], [exportCif, copyCode], [unpin]].forEach((group, k) => {
      for (const command of group) {
        app.contextMenu.addItem({ command, selector: CARD, rank: k });
      }
      if (k < 3) {
        app.contextMenu.addItem({ type: 'separator', selector: CARD, rank: k });
      }
    });
  }
};
