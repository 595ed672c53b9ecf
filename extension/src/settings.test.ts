import schema from '../schema/plugin.json';
import { DEFAULTS, readSettings } from './settings';

const properties: Record<
  string,
  { default: unknown; title: string; description: string } | undefined
> = schema.properties;

describe('settings', () => {
  it('have the defaults of the schema, a title and a description', () => {
    for (const [name, value] of Object.entries(DEFAULTS)) {
      expect(properties[name]?.default).toBe(value);
      expect(properties[name]?.title.length).toBeGreaterThan(3);
      expect(properties[name]?.description).toMatch(/\.$/);
    }
  });

  it('are read as they are', () => {
    const chosen = {
      openIn: 'panel',
      model: ' runs/mine ',
      device: 'cpu',
      colourMap: 'magma',
      attributionMethod: 'shapley'
    };
    expect(readSettings(chosen)).toEqual({ ...chosen, model: 'runs/mine' });
  });

  it.each([{}, { openIn: 'attic', model: 3, device: null }, { model: '  ', colourMap: ['magma'] }])(
    'are the defaults where they are missing or of the wrong kind: %j',
    composite => {
      expect(readSettings(composite)).toEqual(DEFAULTS);
    }
  );
});
