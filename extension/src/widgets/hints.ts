/** Sentences for beginners above one part of the explorer. */
import { type IHint, hint } from './common/glossary';
import type { IView } from './common/model';

function render({ model, el: root }: IView<{ state: IHint }>): void {
  root.append(hint(model.get('state')));
}

export default { render };
