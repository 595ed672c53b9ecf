import type * as Ngl from 'ngl';
import { giveBack } from './webgl';

/** What a stage does with its context: drawing needs one, and giving it back loses it. */
function stageWithContext() {
  const done: string[] = [];
  let lost = false;
  const viewer = {
    render: () => {
      if (lost) {
        throw new TypeError('no context');
      }
      done.push('drawn');
    },
    renderer: {
      forceContextLoss: () => {
        lost = true;
        done.push('lost');
      }
    }
  };
  const stage = { viewer, dispose: () => done.push('disposed') };
  return { stage: stage as unknown as Ngl.Stage, viewer, done };
}

describe('a stage that is given back', () => {
  it('loses its context after it was disposed of', () => {
    const { stage, done } = stageWithContext();
    giveBack(stage);
    expect(done).toEqual(['disposed', 'lost']);
  });

  it('does not draw a frame that was asked for before', () => {
    const { stage, viewer, done } = stageWithContext();
    const frame = () => viewer.render();
    giveBack(stage);
    expect(frame).not.toThrow();
    expect(done).not.toContain('drawn');
  });
});
