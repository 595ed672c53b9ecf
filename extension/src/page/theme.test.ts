import { followTheme, themeButton } from './theme';

test('the system is followed until somebody chooses', () => {
  const system = Object.assign(new EventTarget(), { matches: false });
  Object.assign(window, { matchMedia: () => system });
  const turn = (matches: boolean) => {
    system.matches = matches;
    system.dispatchEvent(new Event('change'));
    return document.body.dataset.jpThemeLight;
  };
  followTheme();
  expect(turn(true)).toBe('false');
  expect(turn(false)).toBe('true');
  const button = themeButton();
  button.click();
  expect(document.body.dataset.jpThemeLight).toBe('false');
  expect([turn(true), turn(false)]).toEqual(['false', 'false']);
});
