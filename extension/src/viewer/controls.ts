/** Controls of the viewer. */
import { el } from '../dom';

/** A button with a text. */
export function button(
  label: string,
  tip: string,
  act: () => void,
  className = 'xc-viewer-button'
): HTMLButtonElement {
  return el('button', { class: className, type: 'button', title: tip, onclick: act }, label);
}

/** A button that is on or off. */
export function toggle(
  label: string,
  tip: string,
  on: boolean,
  act: (on: boolean) => void,
  className?: string
): HTMLButtonElement {
  const change = () => {
    const now = made.getAttribute('aria-pressed') !== 'true';
    made.setAttribute('aria-pressed', String(now));
    act(now);
  };
  const made = button(label, tip, change, className);
  made.setAttribute('aria-pressed', String(on));
  return made;
}

/** A list to choose from; names are what is chosen, with their texts. */
export function choice<Name extends string>(
  label: string,
  texts: Readonly<Record<Name, string>>,
  act: (chosen: Name) => void
): HTMLSelectElement {
  const names = Object.keys(texts) as Name[];
  const made = el(
    'select',
    {
      class: 'xc-viewer-button',
      title: label,
      'aria-label': label,
      onchange: () => act(names[made.selectedIndex])
    },
    names.map(name => el('option', { value: name }, texts[name]))
  );
  return made;
}

/** Things that belong together, with a name before them. */
export function group(label: string, ...children: Node[]): HTMLElement {
  const name = el('span', { class: 'xc-viewer-label', 'aria-hidden': 'true' }, label);
  return el(
    'div',
    { class: 'xc-viewer-group', role: 'group', 'aria-label': label },
    name,
    ...children
  );
}
