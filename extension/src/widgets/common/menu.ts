/** A button that opens a box of controls below it. */
import { type Child, el } from '../../dom';

/** What stands in the button and in the box. */
export interface IMenu {
  /** CSS class of the menu. */
  name: string;
  title: string;
  /** Of the button, for those who cannot see the title. */
  label: string;
  button: Child;
  entries: Child;
}

/** A menu that Escape, and a click elsewhere, close. */
export function makeMenu({ name, title, label, button, entries }: IMenu): HTMLDetailsElement {
  const summary = el('summary', { class: 'xc-button', title, 'aria-label': label }, button);
  const menu = el(
    'details',
    {
      class: `xc-menu ${name}`,
      onkeydown: event => {
        if (event.key === 'Escape' && menu.open) {
          event.stopPropagation();
          menu.open = false;
          summary.focus();
        }
      },
      onfocusout: event => {
        const { relatedTarget } = event;
        if (relatedTarget instanceof Node && !menu.contains(relatedTarget)) {
          menu.open = false;
        }
      }
    },
    summary,
    // focusable, so that a click beside its controls does not count as one elsewhere
    el('div', { class: 'xc-menu-entries', tabindex: '-1' }, entries)
  );
  // a click on what takes no focus, such as a canvas or a text, moves none either
  const onPress = (event: Event) => {
    if (!menu.isConnected || !event.composedPath().includes(menu)) {
      menu.open = false;
    }
  };
  menu.addEventListener('toggle', () => {
    if (menu.open) {
      document.addEventListener('pointerdown', onPress, true);
    } else {
      document.removeEventListener('pointerdown', onPress, true);
    }
  });
  return menu;
}
