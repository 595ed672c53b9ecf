import { TestModel } from '../../../testing/model';
import { el } from '../../dom';
import type { IDownload, IPanel } from './model';
import {
  Awaited,
  arrange,
  clear,
  isTyping,
  keepKeys,
  latest,
  offer,
  ownKeys,
  show,
  takeDownloads,
  whenInside
} from './panel';

describe('latest', () => {
  const begin = () => {
    const model = new TestModel<IPanel<object>>({ state: { answered: 0 } });
    const sent: number[] = [];
    return { model, sent, send: latest(model, (value: number) => sent.push(value)) };
  };

  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('sends the first value at once, and of the others only the newest after the answer', () => {
    const { model, sent, send } = begin();
    [1, 2, 3].forEach(send);
    expect(sent).toEqual([1]);
    model.set('state', { answered: 1 });
    expect(sent).toEqual([1, 3]);
    model.set('state', { answered: 2 });
    expect(sent).toEqual([1, 3]);
  });

  it('does not take another change of the state for an answer', () => {
    const { model, sent, send } = begin();
    [1, 2].forEach(send);
    model.set('state', { answered: 0 });
    expect(sent).toEqual([1]);
  });

  it('goes on after an answer that never comes', () => {
    const { sent, send } = begin();
    [1, 2].forEach(send);
    jest.advanceTimersByTime(3001);
    expect(sent).toEqual([1, 2]);
  });
});

test('what is awaited is scrolled to, but not once the search has ended without it', () => {
  const [part, node] = [el('div', { style: 'overflow-y: auto' }), el('div')];
  part.append(node);
  document.body.replaceChildren(part);
  Object.defineProperties(part, { scrollHeight: { value: 100 }, clientHeight: { value: 50 } });
  node.getBoundingClientRect = () => ({ ...part.getBoundingClientRect(), top: 30 });
  const awaited = new Awaited();
  awaited.begin(['old']);
  awaited.follow(true);
  awaited.follow(false);
  awaited.see(['undone'], node);
  expect(part.scrollTop).toBe(0);
  awaited.begin(['old']);
  awaited.follow(true);
  awaited.see(['new'], node);
  expect(part.scrollTop).toBe(30);
});

test('show draws only what has changed', () => {
  const node = el('div');
  const make = jest.fn(() => el('b', {}, 'x'));
  show(node, ['x', 1], make);
  const first = node.firstChild;
  show(node, ['x', 1], make);
  expect(make).toHaveBeenCalledTimes(1);
  expect(node.firstChild).toBe(first);
  show(node, ['x', 2], make);
  expect(make).toHaveBeenCalledTimes(2);
  clear(node);
  expect(node.childNodes.length).toBe(0);
  show(node, ['x', 2], make);
  expect(make).toHaveBeenCalledTimes(3);
});

test('arrange keeps the node that has the focus where it is', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(name => el('li', { tabindex: 0 }, name));
  const list = el('ol', {}, a, b);
  document.body.append(list);
  b.focus();
  arrange(list, [a, b, c]);
  expect(document.activeElement).toBe(b);
  expect(list.textContent).toBe('abc');
  arrange(list, [c, a]);
  expect(list.textContent).toBe('ca');
});

test('offer shows the choices and chooses', () => {
  const select = el('select');
  offer(
    select,
    [
      ['a', 'A'],
      ['b', '<b>']
    ],
    'b'
  );
  expect(select.value).toBe('b');
  expect([...select.options].map(option => option.text)).toEqual(['A', '<b>']);
});

test('letters belong to what is typed into', () => {
  const text = el('input', { type: 'text' });
  const slider = el('input', { type: 'range' });
  const map = el('div', { role: 'application' });
  expect([text, slider, map].map(node => isTyping(node))).toEqual([true, false, false]);
  expect(isTyping(map, ", [role='application']")).toBe(true);
  expect(isTyping(null)).toBe(false);
});

test('keys stay in a panel, but not those of the notebook', () => {
  const root = el('div', {}, el('input'));
  const outside = jest.fn();
  document.body.append(root);
  document.body.addEventListener('keydown', outside);
  keepKeys(root);
  const press = (ctrlKey: boolean) =>
    root.firstChild?.dispatchEvent(
      new KeyboardEvent('keydown', { key: 's', ctrlKey, bubbles: true })
    );
  press(false);
  expect(outside).not.toHaveBeenCalled();
  press(true);
  expect(outside).toHaveBeenCalledTimes(1);
});

test('what has the focus says that keys are its own', () => {
  const input = el('input');
  const root = el('div', {}, input);
  document.body.append(root);
  ownKeys(root);
  input.focus();
  expect(input.dataset.lmSuppressShortcuts).toBe('true');
});

test('an element is waited for until it is around', async () => {
  const root = el('i');
  const found: Element[] = [];
  whenInside(root, '.xc-explorer', around => found.push(around));
  const explorer = el('div', { class: 'xc-explorer' });
  explorer.append(root);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(found).toEqual([explorer]);
});

test('a file that Python offers is saved under its name', () => {
  const model = new TestModel<object, IDownload>({});
  const clicked: [string, string][] = [];
  URL.createObjectURL = jest.fn(() => 'blob:x');
  URL.revokeObjectURL = jest.fn();
  jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
    this: HTMLAnchorElement
  ) {
    clicked.push([this.download, this.href]);
  });
  const end = takeDownloads(model);
  model.say(
    { type: 'download', name: 'a.cif', kind: 'chemical/x-cif' },
    new DataView(new ArrayBuffer(2))
  );
  expect(clicked).toEqual([['a.cif', 'blob:x']]);
  end();
  expect(model.heard).toBe(0);
});
