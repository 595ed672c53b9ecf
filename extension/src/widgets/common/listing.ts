/** Puts an explorer among those of the page: `../../latentspace/registry` says what they are for whom. */
import { type Act, type IExplorer, type IPin, explorersOfPage } from '../../latentspace/registry';
import type { IModel, IPanel } from './model';

/** What the script of the pins receives. */
export interface IPinsState {
  model: string;
  formula: string;
  /** Key of the pin that is shown, or -1. */
  shown: number;
  full: boolean;
  /** So many can be pinned. */
  most: number;
  hidden: boolean;
}

/** Its synced traits. */
export interface IPinsTraits extends IPanel<IPinsState> {
  uid: string;
  pins: IPin[];
}

/** What Python says to it: that a kernel answers. */
export interface IHere {
  type: 'here';
}

/** The model of the pins. */
export type PinsModel = IModel<IPinsTraits, IHere>;

/** An explorer as its own script lists it. */
class Listed implements IExplorer {
  constructor(private readonly widget: PinsModel) {}

  /** Where it is shown. */
  readonly roots = new Set<Element>();

  get id(): string {
    return this.widget.get('uid');
  }

  get kernel(): string {
    return kernelOf(this.widget);
  }

  get model(): string {
    return this.widget.get('state').model;
  }

  get formula(): string {
    return this.widget.get('state').formula;
  }

  get shown(): number {
    return this.widget.get('state').shown;
  }

  get full(): boolean {
    const { full, hidden } = this.widget.get('state');
    return full || hidden;
  }

  get pins(): IPin[] {
    return this.widget.get('pins');
  }

  // called without their object by whoever has checked them
  readonly node = (): Element | null => {
    const roots = [...this.roots];
    return roots.find(root => root.isConnected) ?? roots[0] ?? null;
  };

  readonly act = (name: Act, details: Record<string, unknown> = {}): void => {
    this.widget.send({ ...details, act: name });
  };
}

/** List an explorer while its kernel answers; gives what ends that. */
export function listExplorer(model: PinsModel): () => void {
  const entry = new Listed(model);
  let registry: ReturnType<typeof explorersOfPage> = null;
  const changed = () => registry?.dispatchEvent(new Event('change'));
  const heard = (message: IHere | null) => {
    if (message?.type === 'here' && !registry) {
      registry = explorersOfPage();
      registry?.explorers.set(entry.id, entry);
      changed();
    }
  };
  const end = () => {
    if (registry?.explorers.get(entry.id) === entry) {
      registry.explorers.delete(entry.id);
    }
    changed();
    registry = null;
  };
  model.on('msg:custom', heard);
  model.on('change:pins', changed);
  model.on('change:state', changed);
  model.on('comm_live_update', end); // the kernel is restarted, so that nobody answers any more
  model.send({ act: 'here' });
  return () => {
    end();
    model.off('msg:custom', heard);
    model.off('change:pins', changed);
    model.off('change:state', changed);
    model.off('comm_live_update', end);
  };
}

/** Say where an explorer is shown, now or once it is listed; gives what takes that back. */
export function showListed(model: PinsModel, root: Element): () => void {
  const registry = explorersOfPage();
  const entry = () => {
    const found = registry?.explorers.get(model.get('uid'));
    return found instanceof Listed ? found : null;
  };
  const listed = () => entry()?.roots.add(root);
  registry?.addEventListener('change', listed);
  listed();
  return () => {
    registry?.removeEventListener('change', listed);
    entry()?.roots.delete(root);
  };
}

/** The id of a widget's kernel, which only the managers of Jupyter's own front ends know; empty elsewhere. */
function kernelOf(model: PinsModel): string {
  const { widget_manager: manager } = model as PinsModel & {
    widget_manager?: { kernel?: { id?: string } };
  };
  return manager?.kernel?.id ?? '';
}
