/** Draws structures in outputs of cells. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';
import { DEFAULT_LIMITS, askToDraw } from '../viewer/limits';
import { CrystalViewer } from '../viewer/viewer';
import { MIME_TYPE, readStructure } from './data';

const RANK = 10; // before text/html, which is the picture for other front ends

/** A structure in an output. */
export class RenderedStructure extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly trans: TranslationBundle) {
    super();
    this.addClass('xc-rendered-structure');
    this.viewer = new CrystalViewer({ trans, compact: true });
    this.addWidget(this.viewer);
  }

  /** Draw what the output holds. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    try {
      const crystal = readStructure(model.data[MIME_TYPE], this.trans);
      const much = askToDraw(crystal.sites.length, DEFAULT_LIMITS, this.trans);
      if (much) {
        const act = () => this.viewer.showCrystals([crystal]);
        this.viewer.ask(much.question, { label: much.yes, act });
      } else {
        this.viewer.showCrystals([crystal]);
      }
    } catch (reason) {
      this.viewer.fail(reason instanceof Error ? reason.message : String(reason));
    }
  }

  private readonly viewer: CrystalViewer;
}

/** Makes them; safe, as nothing of the output is run or becomes HTML. */
export function rendererFactory(trans: TranslationBundle): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new RenderedStructure(trans)
  };
}
