import { Note } from './note';

describe('Note', () => {
  it('is out of the way until it has something to say', () => {
    const note = new Note();
    expect(note.node.hidden).toBe(true);
    note.say('Starting');
    expect(note.node.hidden).toBe(false);
    expect(note.node.getAttribute('role')).toBe('status');
    note.clear();
    expect([note.node.hidden, note.node.textContent]).toEqual([true, '']);
  });

  it('offers what can be done, as long as something is wrong', () => {
    const note = new Note();
    let pressed = 0;
    note.fail('No kernel', 'Try again', () => pressed++);
    const button = note.node.querySelector('button');
    expect([button?.hidden, button?.textContent]).toEqual([false, 'Try again']);
    button?.click();
    expect(pressed).toBe(1);
    note.say('Starting');
    expect(button?.hidden).toBe(true);
  });

  it('never takes words for HTML', () => {
    const note = new Note();
    const words = '<img src=x onerror=alert(1)>';
    note.fail(words, words, () => undefined);
    expect(note.node.querySelector('img')).toBeNull();
    expect(note.node.textContent).toBe(words + words);
  });
});
