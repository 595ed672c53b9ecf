/** A short tour for a class: what to do, and what to ask oneself, one step after the other. */
import { el } from '../dom';

const STEPS: readonly [title: string, text: string][] = [
  [
    'What is near what?',
    'Zoom in until names appear. Which crystals lie near each other? Rest the mouse on some: is it the elements, the ' +
      'structure, or both that neighbours share?'
  ],
  [
    'Where are the insulators?',
    'Guess first. Then choose “Band gap” at “Map by”: where are the largest gaps, and which anions do these crystals have?'
  ],
  [
    'Is the model right?',
    'Search TiO2 and compare the predicted values with those in the atlas. Does the 90 % interval hold them? Of ten ' +
      'crystals, how many should fail?'
  ],
  [
    'From one crystal to another',
    'Choose a path below the map. Before you play it: where will the formula change? Is the change sudden or gradual, ' +
      'and what do the predicted values do meanwhile?'
  ],
  [
    'Why?',
    'Go to a crystal with a name on the map, and colour its atoms by “why this formation energy”. Which element lowers ' +
      'it most? A score explains the model; it is no law of nature.'
  ]
];

/** The steps, one at a time, and the button that shows them; they begin open if the address ends in "?tour". */
export class Tour {
  /** @param address - What follows the question mark, with it. */
  constructor(address: string) {
    const [back, next] = [button('Back', -1), button('Next', 1)];
    const text = el('p', { 'aria-live': 'polite' });
    const title = el('b');
    let step = 0;
    const draw = () => {
      title.textContent = `${step + 1} of ${STEPS.length}: ${STEPS[step][0]}`;
      text.textContent = STEPS[step][1];
      back.disabled = step === 0;
      next.disabled = step === STEPS.length - 1;
    };
    function button(label: string, by: number): HTMLButtonElement {
      const onclick = () => {
        step += by;
        draw();
      };
      return el('button', { class: 'xc-button', type: 'button', onclick }, label);
    }
    this.node = el(
      'section',
      { class: 'xc-page-tour', 'aria-label': 'Tour' },
      title,
      text,
      back,
      ' ',
      next
    );
    const show = (on: boolean) => {
      this.node.hidden = !on;
      this.toggle.setAttribute('aria-pressed', String(on));
    };
    this.toggle = el(
      'button',
      {
        class: 'xc-button',
        type: 'button',
        title: 'Five questions for a class',
        onclick: () => show(this.node.hidden)
      },
      'Tour'
    );
    draw();
    show(new URLSearchParams(address).has('tour'));
  }

  /** What stands in the page. */
  readonly node: HTMLElement;

  /** Shows it, or hides it. */
  readonly toggle: HTMLButtonElement;
}
