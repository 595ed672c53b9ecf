/** Elements are made with text only: what comes from a file never becomes HTML. */

/** An element with a class and attributes, and what is in it. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A button with a text. */
export function button(
  label: string,
  tip: string,
  act: () => void,
  className = 'xc-viewer-button'
): HTMLButtonElement {
  const made = element('button', className, { type: 'button', title: tip }, label);
  made.addEventListener('click', act);
  return made;
}

/** A button that is on or off. */
export function toggle(
  label: string,
  tip: string,
  on: boolean,
  act: (on: boolean) => void
): HTMLButtonElement {
  const made = button(label, tip, () => {
    const now = made.getAttribute('aria-pressed') !== 'true';
    made.setAttribute('aria-pressed', String(now));
    act(now);
  });
  made.setAttribute('aria-pressed', String(on));
  return made;
}

/** Things that belong together, with a name before them. */
export function group(label: string, ...children: Node[]): HTMLElement {
  const name = element('span', 'xc-viewer-label', { 'aria-hidden': 'true' }, label);
  return element(
    'div',
    'xc-viewer-group',
    { role: 'group', 'aria-label': label },
    name,
    ...children
  );
}
