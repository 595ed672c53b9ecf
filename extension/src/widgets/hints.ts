/** Sentences for beginners above one part of the explorer. */
import { type IHint, hint } from './common/glossary';
import type { IView } from './common/model';
import { show } from './common/panel';

function render({ model, el: root }: IView<{ state: IHint }>): () => void {
  const draw = () => {
    const state = model.get('state');
    show(root, state, () => hint(state));
  };
  model.on('change:state', draw);
  draw();
  return () => model.off('change:state', draw);
}

export default { render };
