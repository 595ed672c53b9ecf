import { TestModel } from '../../../testing/model';
import { explorersOfPage, listExplorers } from '../../latentspace/registry';
import { type IHere, type IPinsTraits, listExplorer, showListed } from './listing';

afterEach(() => {
  delete (globalThis as { xcrystalExplorers?: unknown }).xcrystalExplorers;
});

const modelOf = () =>
  new TestModel<IPinsTraits, IHere>({
    uid: 'a',
    pins: [],
    state: {
      answered: 0,
      model: 'mp20',
      formula: 'NaCl',
      shown: -1,
      full: false,
      most: 12,
      hidden: false
    }
  });

test('an explorer is listed as long as its kernel answers', () => {
  const model = modelOf();
  const end = listExplorer(model);
  expect(model.sent).toEqual([{ act: 'here' }]);
  expect(listExplorers()).toEqual([]);
  const changed = jest.fn();
  explorersOfPage()?.addEventListener('change', changed);
  model.say({ type: 'here' });
  model.say({ type: 'here' });
  expect(listExplorers().map(({ id, formula, kernel }) => [id, formula, kernel])).toEqual([
    ['a', 'NaCl', '']
  ]);
  expect(changed).toHaveBeenCalledTimes(1);
  model.restart();
  expect(listExplorers()).toEqual([]);
  end();
  expect(model.heard).toBe(0);
});

test('what is read of it is what is so now', () => {
  const model = modelOf();
  listExplorer(model);
  model.say({ type: 'here' });
  model.set('state', { ...model.get('state'), formula: 'TiO2', hidden: true });
  const [found] = listExplorers();
  expect(found.formula).toBe('TiO2');
  expect(found.full).toBe(true); // nothing can be pinned where pins are hidden
  found.act('go', { key: 3 });
  expect(model.sent.at(-1)).toEqual({ act: 'go', key: 3 });
});

test('it is found where it is shown, whichever of the two comes first', () => {
  const model = modelOf();
  const root = document.createElement('div');
  document.body.append(root);
  const hide = showListed(model, root);
  listExplorer(model);
  model.say({ type: 'here' });
  expect(listExplorers()[0].node()).toBe(root);
  hide();
  expect(listExplorers()[0].node()).toBeNull();
});

test('an explorer is not put into a registry of another version', () => {
  const page = globalThis as { xcrystalExplorers?: unknown };
  page.xcrystalExplorers = Object.assign(new EventTarget(), { version: 2, explorers: new Map() });
  const model = modelOf();
  const end = listExplorer(model);
  model.say({ type: 'here' });
  expect((page.xcrystalExplorers as { explorers: Map<string, unknown> }).explorers.size).toBe(0);
  end();
});
