/** Shares of log-odds as bars: to the right for a choice, to the left for the one that it is compared with. */
import { type Child, el } from '../../dom';

export interface IShares {
  /** One sentence: what is shared out. */
  said: string;
  toward: string;
  against: string;
  /** `share` is 1 or -1 for the longest bar. */
  rows: { label: string; share: number; text: string }[];
}

/** The sentence, and a bar for each direction. */
export function shareBars({ said, toward, against, rows }: IShares): Child {
  return [
    el('div', { class: 'xc-shares-said' }, said),
    el(
      'div',
      { class: 'xc-shares-sides', 'aria-hidden': 'true' },
      el('span', {}, `◀ for ${against}`),
      el('span', {}, `for ${toward} ▶`)
    ),
    el(
      'ul',
      {
        class: 'xc-shares',
        'aria-label': `Shares in nats: positive for ${toward}, negative for ${against}`
      },
      rows.map(({ label, share, text }) =>
        el(
          'li',
          { class: 'xc-share' },
          el('span', { class: 'xc-share-label', title: label }, label),
          el(
            'span',
            { class: 'xc-share-track', 'aria-hidden': 'true' },
            el('i', {
              class: share > 0 ? 'xc-share-for' : 'xc-share-against',
              style: `left:${50 + 50 * Math.min(share, 0)}%;width:${50 * Math.abs(share)}%`
            })
          ),
          el('span', { class: 'xc-share-text' }, text)
        )
      )
    )
  ];
}
