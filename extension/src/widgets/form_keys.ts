/** Leaves keys to the form that this lies in: in a notebook JupyterLab takes arrows and letters for its own. */
import { ownKeys } from './common/panel';

const FORM = '.xcrystal-form';

function render({ el }: { el: HTMLElement }): () => void {
  let frame = 0;
  const find = () => {
    const form = el.closest<HTMLElement>(FORM);
    if (form) {
      ownKeys(form);
    } else {
      frame = requestAnimationFrame(find); // drawn before it is put into its form
    }
  };
  find();
  return () => cancelAnimationFrame(frame);
}

export default { render };
