/** Badges, the table of numbers, the decoder's runners-up, and the nearest known crystals. */
import { type Child, el, formulaNodes, pictureAddress } from '../dom';
import { type Terms, explained, kindOf, term } from './common/glossary';
import type { IPanel, IView } from './common/model';
import { show, whenDrawn } from './common/panel';

/** Pieces of text, each with its look. */
type Parts = [look: string, text: string][];

interface IBadge {
  name: string;
  look: string;
  icon: string;
  words: string;
  help: string;
}

interface IAlternative {
  kind: string;
  value: unknown;
  orbit: number | null;
  parts: Parts;
  p: string;
}

interface INeighbour {
  row: number;
  formula: string;
  id: string;
  distance: string;
}

interface IFacts {
  beginner: boolean;
  terms: Terms;
  /** Term of each heading and badge. */
  headings: Record<string, string>;
  warning: string;
  badges: IBadge[];
  rows: { name: string; term: string; parts: Parts }[];
  certainty: { summary: string; alternatives: IAlternative[] } | null;
  neighbours: INeighbour[];
  idle: boolean;
}

/** Drawings by row of the atlas. */
interface IThumbnails {
  type: 'thumbnails';
  pictures: Record<string, string>;
}

const MOST_PICTURES = 200;

function render({ model, el: root }: IView<IPanel<IFacts>, IThumbnails>): () => void {
  const warning = el('div', { class: 'xc-warning', role: 'note' });
  const badges = el('ul', { class: 'xc-badges', 'aria-label': 'Verdicts' });
  const body = el('tbody');
  const [summary, sure] = [el('span'), el('span')];
  const heading = el('span', { class: 'xc-heading' }, 'How sure the decoder was');
  const handle = el('summary', {}, heading, sure, ' ', summary);
  const runners = el('div', { class: 'xc-runners' });
  const certainty = el('details', { class: 'xc-certainty' }, handle, runners);
  const nearby = el('div', { class: 'xc-heading' });
  const near = el('div', { class: 'xc-neighbour-row' });
  const pictures = new Map<string, string>();
  const buttons: HTMLButtonElement[] = [];
  const table = el('table', { class: 'xc-facts' }, body);
  const around = el(
    'section',
    { class: 'xc-neighbours', 'aria-label': 'Nearest known crystals' },
    nearby,
    near
  );
  root.append(el('div', { class: 'xc-judgement' }, warning, badges, table, certainty), around);

  const drawNeighbour = (button: HTMLButtonElement, { row, formula, id, distance }: INeighbour) => {
    const picture = pictures.get(String(row));
    show(button, [row, formula, id, distance, Boolean(picture)], () => [
      picture
        ? el('img', { src: picture, alt: '', width: 56, height: 56 })
        : el('span', { class: 'xc-no-picture' }),
      el('span', { class: 'xc-neighbour-name' }, formulaNodes(formula)),
      el('span', { class: 'xc-neighbour-distance' }, distance)
    ]);
    button.title = `${formula}, ${id}, distance ${distance} in latent space`;
    button.setAttribute('aria-label', `Go to ${formula}, ${id}, at a distance of ${distance}`);
  };
  const drawRunners = (alternatives: IAlternative[]): Child => {
    if (!alternatives.length) {
      return el('p', {}, 'No other space group or element had a probability of 0.1 % or more.');
    }
    const made = alternatives.map(({ kind, value, orbit, parts, p }) =>
      el(
        'button',
        {
          type: 'button',
          class: 'xc-button xc-runner',
          onclick: () => model.send({ act: 'alternative', kind, value, orbit })
        },
        written(parts),
        el('small', {}, ` ${p}`)
      )
    );
    return [
      el('p', {}, 'Runners-up; a click shows what becomes of the crystal:'),
      el('div', { class: 'xc-runner-row' }, made)
    ];
  };

  let asked = '';
  let started = false;
  const draw = () => {
    const state = model.get('state');
    const { terms, headings, neighbours } = state;
    show(warning, state.warning, () =>
      state.warning ? [el('span', { 'aria-hidden': 'true' }, '⚠ '), state.warning] : null
    );
    const firstBadge = () => badges.querySelector('button');
    keepFocus(badges, firstBadge, () =>
      show(badges, [state.badges, state.beginner], () =>
        state.badges.map(badge => drawBadge(badge, terms, headings[badge.name]))
      )
    );
    // rows stay, so that an open explanation does
    const names = state.rows.map(row => row.name);
    show(body, [names, state.beginner], () =>
      state.rows.map(row =>
        el('tr', {}, el('th', { scope: 'row' }, row.name, term(terms, row.term)), el('td'))
      )
    );
    [...body.querySelectorAll('td')].forEach((cell, k) =>
      show(cell, state.rows[k].parts, () => written(state.rows[k].parts))
    );

    certainty.hidden = !state.certainty;
    if (state.certainty) {
      const { alternatives } = state.certainty;
      summary.textContent = state.certainty.summary;
      show(sure, state.beginner, () => term(terms, headings.certainty));
      keepFocus(
        runners,
        () => handle,
        () => show(runners, alternatives, () => drawRunners(alternatives))
      );
    }
    show(nearby, state.beginner, () => [
      'Nearest known crystals',
      term(terms, headings.neighbours)
    ]);
    around.hidden = neighbours.length === 0;
    while (buttons.length < neighbours.length) {
      const k = buttons.length;
      const go = () => {
        const { row } = model.get('state').neighbours[k];
        model.send({ act: 'neighbour', row });
      };
      buttons.push(el('button', { type: 'button', class: 'xc-neighbour', onclick: go }));
      near.append(buttons[k]);
    }
    buttons.forEach((button, k) => {
      button.hidden = k >= neighbours.length;
      if (!button.hidden) {
        drawNeighbour(button, neighbours[k]);
      }
    });
    const missing = neighbours.map(n => n.row).filter(row => !pictures.has(String(row)));
    if (state.idle && started && missing.length && String(missing) !== asked) {
      asked = String(missing);
      model.send({ act: 'thumbnails', rows: missing });
    }
  };
  const heard = (message: IThumbnails | null) => {
    if (message?.type !== 'thumbnails') {
      return;
    }
    for (const [row, drawing] of Object.entries(message.pictures)) {
      pictures.set(row, pictureAddress(drawing));
    }
    const oldest = [...pictures.keys()].slice(0, Math.max(0, pictures.size - MOST_PICTURES));
    oldest.forEach(row => pictures.delete(row));
    draw();
  };
  model.on('change:state', draw);
  model.on('msg:custom', heard);
  draw();
  const cancel = whenDrawn(root, () => {
    started = true;
    model.send({ act: 'judge' });
    draw();
  });
  return () => {
    cancel();
    model.off('change:state', draw);
    model.off('msg:custom', heard);
  };
}

function drawBadge(badge: IBadge, terms: Terms, name: string | undefined): HTMLElement {
  const found = name === undefined ? undefined : terms[name];
  const button = el(
    'button',
    { type: 'button', class: `xc-badge xc-badge-${badge.look}`, title: badge.help },
    el('span', { class: 'xc-badge-icon', 'aria-hidden': 'true' }, badge.icon),
    badge.words
  );
  const more = found && [el('p', {}, found.text), kindOf(found)];
  const [, text] = explained(button, badge.words, el('p', {}, badge.help), more);
  button.setAttribute('aria-describedby', text.id);
  return el('li', {}, button, text);
}

function written(parts: Parts): Child {
  return parts.map(([look, text]) => {
    switch (look) {
      case '':
        return text;
      case 'b':
      case 'sub':
      case 'sup':
      case 'small':
        return el(look, {}, text);
      default:
        return el('span', { class: `xc-${look}` }, text);
    }
  });
}

/** What takes the focus away from a node that is drawn anew puts it on another one. */
function keepFocus(
  container: HTMLElement,
  fallback: () => HTMLElement | null,
  draw: () => void
): void {
  const had = container.contains(document.activeElement);
  draw();
  if (had && !container.contains(document.activeElement)) {
    fallback()?.focus();
  }
}

export default { render };
