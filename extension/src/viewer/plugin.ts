/** Files of crystals have an icon, and are drawn on double click. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { crystalFileTypes } from '../filetypes';
import { PLUGIN_ID } from '../settings';
import { speak } from '../words';
import { type CrystalDocument, CrystalFactory } from './document';
import { crystalIcon } from './icon';
import { DEFAULT_LIMITS, type ILimits, readLimits } from './limits';

/** As "Open With" lists it. */
const FACTORY = 'Crystal';

/** Draws files of crystals. */
export const viewerPlugin: JupyterFrontEndPlugin<void> = {
  id: 'xcrystal-lab:viewer',
  description: 'Draws crystal files in 3-D.',
  autoStart: true,
  optional: [ITranslator, ISettingRegistry, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('xcrystal_lab');
    speak(trans);
    const { commands, docRegistry } = app;
    const types = crystalFileTypes(trans);
    for (const type of types) {
      docRegistry.addFileType({ ...type, icon: crystalIcon });
    }
    const limits = async (): Promise<ILimits> => {
      try {
        const settings = await registry?.load(PLUGIN_ID);
        return settings ? readLimits(settings.composite) : { ...DEFAULT_LIMITS };
      } catch (reason) {
        console.error(`The settings of ${PLUGIN_ID} cannot be read.`, reason);
        return { ...DEFAULT_LIMITS };
      }
    };
    const names = types.map(({ name }) => name);
    const factory = new CrystalFactory(
      {
        name: FACTORY,
        label: trans.__('Crystal'),
        modelName: 'text',
        fileTypes: [...names, 'json'],
        defaultFor: names
      },
      trans,
      {
        openText: path => void commands.execute('docmanager:open', { path, factory: 'Editor' }),
        explore: path => void commands.execute('xcrystal:open-explorer', { path }),
        limits
      }
    );
    const tracker = new WidgetTracker<CrystalDocument>({ namespace: 'xcrystal-viewer' });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = crystalIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    docRegistry.addWidgetFactory(factory);
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: FACTORY }),
      name: widget => widget.context.path
    });
  }
};
