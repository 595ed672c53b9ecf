/** A row of tabs that shows one of the boxes beside it. */
import { el } from '../dom';
import { type IHint, hint } from './common/glossary';
import type { IView } from './common/model';
import { whenInside } from './common/panel';

interface ITabs {
  /** CSS class of its box, label, and what a beginner reads. */
  labels: [name: string, label: string, hint: IHint][];
}

/** Bring a tab to the front. */
interface IFront {
  type: 'front';
  name: string;
}

function render({ model, el: root }: IView<ITabs, IFront>): () => void {
  const labels = model.get('labels');
  let current = labels[0][0];
  const tabs = labels.map(([name, label], k) =>
    el(
      'button',
      {
        class: `xc-tab xc-tab-${name}`,
        type: 'button',
        role: 'tab',
        onclick: () => open(name),
        onkeydown: event => {
          const to = goal(event.key, k, labels.length);
          if (to !== null) {
            event.preventDefault();
            event.stopPropagation();
            open(labels[to][0]);
            tabs[to].focus();
          }
        }
      },
      label
    )
  );
  const hints = labels.map(([, , said]) => el('div', { class: 'xc-hint' }, hint(said)));
  const name = 'Ways through latent space';
  const bar = el('div', { class: 'xc-tabbar', role: 'tablist', 'aria-label': name }, tabs);
  root.append(bar, ...hints);

  const open = (wanted: string) => {
    current = wanted;
    labels.forEach(([other], k) => {
      tabs[k].setAttribute('aria-selected', String(other === wanted));
      tabs[k].tabIndex = other === wanted ? 0 : -1;
      hints[k].classList.toggle('xc-folded', other !== wanted);
    });
    for (const box of root.closest('.xc-tabbed')?.children ?? []) {
      const own = labels.find(([other]) => box.classList.contains(other));
      if (own) {
        box.setAttribute('role', 'tabpanel');
        box.classList.toggle('xc-folded', own[0] !== wanted);
      }
    }
  };
  // the boxes arrive one by one, and lessons may hide some
  const settle = () => {
    const explorer = root.closest('.xc-explorer');
    const isHidden = (name: string) =>
      explorer?.classList.contains(`xc-hide-${name.replace('xc-', '')}`) ?? false;
    const offered = labels.map(([name]) => name).filter(name => !isHidden(name));
    labels.forEach(([name], k) => {
      tabs[k].hidden = !offered.includes(name);
    });
    open(offered.includes(current) || !offered.length ? current : offered[0]);
  };
  const asked = (message: IFront) => {
    const k = labels.findIndex(([name]) => name === message.name);
    if (message.type === 'front' && k >= 0 && !tabs[k].hidden) {
      open(message.name);
    }
  };
  model.on('msg:custom', asked);
  const observer = new MutationObserver(settle);
  const ended = whenInside(root, '.xc-explorer .xc-tabbed', parent => {
    observer.observe(parent, { childList: true });
    const explorer = parent.closest('.xc-explorer');
    if (explorer) {
      observer.observe(explorer, { attributes: true, attributeFilter: ['class'] });
    }
    settle();
  });
  return () => {
    ended();
    observer.disconnect();
    model.off('msg:custom', asked);
  };
}

/** The tab that a key goes to; null if it goes nowhere. */
function goal(key: string, k: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (k + 1) % count;
    case 'ArrowLeft':
      return (k - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

export default { render };
