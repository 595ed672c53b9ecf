/** Small buttons that explain a word. */
import { type Child, el } from '../../dom';

/** What a term is a matter of; as in glossary.py. */
export type TermKind = 'model' | 'deterministic chemistry' | 'both';

/** An entry of glossary.py. */
export interface ITerm {
  name: string;
  text: string;
  kind: TermKind;
}

/** Entries by what they are asked for. */
export type Terms = Readonly<Record<string, ITerm | undefined>>;

/** Sentences for beginners, and the terms in them. */
export interface IHint {
  text: string;
  terms: Terms;
}

/** What each kind means for who reads it. */
export const TERM_KINDS: Readonly<Record<TermKind, string>> = {
  model: 'A trained model says this; it may be wrong.',
  'deterministic chemistry': 'Fixed rules of chemistry, no trained model.',
  both: 'Fixed rules, applied to what a trained model says.'
};

/** A button that opens a text beside it: by mouse, Enter or Space; Escape or a click elsewhere closes it. */
export function explained(
  button: HTMLButtonElement,
  name: string,
  ...content: Child[]
): [HTMLButtonElement, HTMLElement] {
  const id = `xc-term-${Math.random().toString(36).slice(2)}`;
  const text = el(
    'div',
    { class: 'xc-term-text', role: 'note', popover: 'auto', id },
    name !== '' && el('b', {}, name),
    ...content
  );
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-controls', id);
  text.addEventListener('toggle', event => {
    const open = event instanceof ToggleEvent && event.newState === 'open';
    button.setAttribute('aria-expanded', String(open));
    if (open) {
      placeBeside(text, button);
    }
  });
  let wasOpen = false; // a press on the button closes the text before the click would open it again
  button.addEventListener('pointerdown', () => {
    wasOpen = text.matches(':popover-open');
  });
  button.addEventListener('click', event => {
    event.preventDefault(); // inside of a summary or a label it must not do what that does
    event.stopPropagation();
    if (event.detail === 0) {
      wasOpen = text.matches(':popover-open'); // from the keyboard
    }
    if (!wasOpen) {
      text.showPopover();
    } else if (text.matches(':popover-open')) {
      text.hidePopover();
    }
  });
  return [button, text];
}

/** A question mark that explains a term, by its name in a panel's state; nothing if the panel explains nothing now. */
export function term(terms: Terms, name: string): Child {
  const found = terms[name];
  if (!found) {
    return null;
  }
  const label = `What is meant by ${found.name}?`;
  const button = el('button', { type: 'button', class: 'xc-term', 'aria-label': label });
  return explained(button, found.name, el('p', {}, found.text), kindOf(found));
}

/** What kind of term this is, in words. */
export function kindOf(found: ITerm): HTMLElement {
  return el('p', { class: 'xc-term-kind' }, TERM_KINDS[found.kind]);
}

/** Sentences for beginners, and a button that explains the terms behind them. */
export function hint({ text, terms }: IHint): HTMLElement {
  const found = Object.values(terms).filter(known => known !== undefined);
  const names = found.map(({ name }) => name).join(', ');
  const button = el('button', {
    type: 'button',
    class: 'xc-term',
    title: `What these mean: ${names}`,
    'aria-label': `What these mean: ${names}`
  });
  const entries = found.map(known => [
    el('dt', {}, known.name),
    el('dd', {}, known.text, ' ', el('i', {}, TERM_KINDS[known.kind]))
  ]);
  return el(
    'p',
    { class: 'xc-hint-text' },
    text,
    found.length > 0 && explained(button, '', el('dl', {}, entries))
  );
}

function placeBeside(text: HTMLElement, button: HTMLElement): void {
  const [at, box] = [button.getBoundingClientRect(), text.getBoundingClientRect()];
  const left = Math.max(8, Math.min(at.left, innerWidth - box.width - 8));
  const fitsBelow = at.bottom + 4 + box.height < innerHeight;
  text.style.left = `${left}px`;
  text.style.top = `${fitsBelow ? at.bottom + 4 : Math.max(8, at.top - box.height - 4)}px`;
}
