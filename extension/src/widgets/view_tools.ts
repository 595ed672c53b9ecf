/** From where the crystals are seen, and whether clicks measure: told to the canvases directly, without the kernel. */
import { el } from '../dom';
import { DIRECTIONS } from '../view';
import { whenInside } from './common/panel';

/** The buttons, and what ends their listening. */
export interface IViewTools {
  node: HTMLElement;
  dispose(): void;
}

/** Buttons for the standard view and the views along axes; the one that is shown is pressed. */
export function viewTools(root: Element): IViewTools {
  let explorer: HTMLElement | null = null;
  const make = (name: string, text: string, title: string) =>
    el(
      'button',
      {
        type: 'button',
        class: 'xc-toggle',
        title,
        'aria-label': title,
        'aria-pressed': String(name === 'standard'),
        'data-look': name,
        onclick: () => explorer?.dispatchEvent(new CustomEvent('xc-look', { detail: name }))
      },
      text
    );
  const standard = make(
    'standard',
    'Standard',
    'See all of it from its standard side, c upwards (R)'
  );
  const along = DIRECTIONS.map(name => make(name, name, `Look along ${name}`));
  const measure = el(
    'button',
    {
      type: 'button',
      class: 'xc-toggle xc-measuring',
      title: 'Click atoms to measure distances and angles between them',
      'aria-pressed': 'false',
      onclick: () => {
        const on = measure.getAttribute('aria-pressed') !== 'true';
        measure.setAttribute('aria-pressed', String(on));
        explorer?.dispatchEvent(new CustomEvent('xc-measure', { detail: on }));
      }
    },
    'Measure'
  );
  const looked = (event: Event) => {
    const shown: unknown = event instanceof CustomEvent ? event.detail : null;
    for (const button of [standard, ...along]) {
      button.setAttribute('aria-pressed', String(button.dataset.look === shown));
    }
  };
  const ended = whenInside(root, '.xc-explorer', found => {
    explorer = found;
    found.addEventListener('xc-looked', looked);
  });
  return {
    node: el(
      'span',
      { class: 'xc-views', role: 'group', 'aria-label': 'From where the crystal is seen' },
      standard,
      el('span', { class: 'xc-joined' }, along),
      measure
    ),
    dispose: () => {
      ended();
      explorer?.removeEventListener('xc-looked', looked);
    }
  };
}
