/** A file of crystals, drawn: follows its text, asks before it draws much, and says what is wrong with it. */
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ToolbarButton } from '@jupyterlab/ui-components';
import { ParseError, parseCrystals } from '../parsing';
import { type ILimits, type IQuestion, askToDraw, askToRead } from './limits';
import { CrystalViewer } from './viewer';

const CALM = 400; // ms without a change of the text

/** What a document may do beyond itself. */
export interface IDocumentActions {
  openText(path: string): void;
  explore(path: string): void;
  limits(): Promise<ILimits>;
}

/** A viewer in a tab of its own. */
export class CrystalDocument extends DocumentWidget<CrystalViewer> {
  constructor(
    context: DocumentRegistry.Context,
    private readonly trans: TranslationBundle,
    private readonly actions: IDocumentActions
  ) {
    super({ content: new CrystalViewer({ trans }), context });
    this.toolbar.addItem(
      'text',
      new ToolbarButton({
        label: trans.__('Text'),
        tooltip: trans.__('Open this file in the text editor'),
        onClick: () => actions.openText(context.path)
      })
    );
    this.toolbar.addItem(
      'explore',
      new ToolbarButton({
        label: trans.__('Open in Crystal Explorer'),
        tooltip: trans.__('Start a kernel and look at this crystal in the latent space'),
        onClick: () => actions.explore(context.path)
      })
    );
    void context.ready.then(() => {
      if (!this.isDisposed) {
        void this.refresh();
        context.model.contentChanged.connect(this.onChange, this);
      }
    });
  }

  /** Give everything back. */
  override dispose(): void {
    clearTimeout(this.waiting);
    super.dispose();
  }

  private onChange(): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.refresh(), CALM);
  }

  /** Show what the file holds now. */
  private async refresh(): Promise<void> {
    const limits = await this.actions.limits();
    if (this.isDisposed) {
      return;
    }
    const text = this.context.model.toString();
    const question = this.allowed.read ? null : askToRead(text.length, limits, this.trans);
    if (question) {
      this.ask(question, 'read');
      return;
    }
    try {
      const frames = parseCrystals(text, this.context.path);
      const atoms = Math.max(...frames.map(frame => frame.sites.length));
      const much = this.allowed.draw ? null : askToDraw(atoms, limits, this.trans);
      if (much) {
        this.ask(much, 'draw');
      } else {
        this.content.showCrystals(frames);
      }
    } catch (reason) {
      if (!(reason instanceof ParseError)) {
        console.error(`${this.context.path} cannot be shown.`, reason);
      }
      const words = reason instanceof Error ? reason.message : String(reason);
      this.content.fail(words, {
        label: this.trans.__('Open as Text'),
        act: () => this.actions.openText(this.context.path)
      });
    }
  }

  /** A yes holds as long as the tab is open. */
  private ask({ question, yes }: IQuestion, what: 'read' | 'draw'): void {
    this.content.ask(question, {
      label: yes,
      act: () => {
        this.allowed[what] = true;
        void this.refresh();
      }
    });
  }

  private readonly allowed = { read: false, draw: false };
  private waiting: ReturnType<typeof setTimeout> | undefined;
}

/** Makes viewers of files. */
export class CrystalFactory extends ABCWidgetFactory<CrystalDocument> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<CrystalDocument>,
    private readonly trans: TranslationBundle,
    private readonly actions: IDocumentActions
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): CrystalDocument {
    return new CrystalDocument(context, this.trans, this.actions);
  }
}
