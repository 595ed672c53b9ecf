/** Leaves keys to the form that this lies in: in a notebook JupyterLab takes arrows and letters for its own. */

const FORM = '.xcrystal-form';

export default {
  render({ el }: { el: HTMLElement }): () => void {
    let frame = 0;
    const mark = () => {
      const form = el.closest(FORM);
      form?.setAttribute('data-lm-suppress-shortcuts', 'true');
      // drawn before it is put into its form
      frame = form ? 0 : requestAnimationFrame(mark);
    };
    mark();
    return () => cancelAnimationFrame(frame);
  }
};
