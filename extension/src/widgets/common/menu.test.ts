import { makeMenu } from './menu';

const press = (node: Node) =>
  node.dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }));

test('a click on what takes no focus closes a menu, one inside of it does not', async () => {
  const [inside, outside] = [document.createElement('b'), document.createElement('b')];
  const menu = makeMenu({ name: 'x', title: '', label: '', button: 'x', entries: inside });
  document.body.append(menu, outside);
  const toggled = () =>
    new Promise(done => {
      menu.addEventListener('toggle', done, { once: true });
    });
  menu.open = true;
  await toggled();
  press(inside);
  expect(menu.open).toBe(true);
  press(outside);
  expect(menu.open).toBe(false);
  await toggled();
});
