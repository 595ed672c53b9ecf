import { hint, term } from './glossary';

const TERMS = { valid: { name: '<b>valid', text: '<i>x</i>', kind: 'model' as const } };

test('a term has a button that names its text', () => {
  const box = document.createElement('div');
  box.append(hint({ text: 'A sentence.', terms: TERMS }));
  const button = box.querySelector('button');
  const text = box.querySelector('[role=note]');
  expect(button?.getAttribute('aria-label')).toBe('What these mean: <b>valid');
  expect(button?.getAttribute('aria-controls')).toBe(text?.id);
  expect(button?.getAttribute('aria-expanded')).toBe('false');
  expect(text?.textContent).toBe('<b>valid<i>x</i> A trained model says this; it may be wrong.');
});

test('a press opens the text and does not reach what is around', () => {
  const box = document.createElement('details');
  box.append(hint({ text: '', terms: TERMS }));
  const [button, text] = [box.querySelector('button'), box.querySelector('[role=note]')];
  const showPopover = jest.fn();
  Object.assign(text ?? {}, { showPopover, matches: () => false });
  const around = jest.fn();
  box.addEventListener('click', around);
  button?.click();
  expect(showPopover).toHaveBeenCalledTimes(1);
  expect(around).not.toHaveBeenCalled();
});

test('nothing is explained that has no entry', () => {
  expect(term({}, 'valid')).toBeNull();
});
