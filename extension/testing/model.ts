/** A widget's model without a kernel: it holds traits, keeps what is sent, and tells its listeners. */
import type { IModel, IView } from '../src/widgets/common/model';

type Listener = (...given: never[]) => void;

/** The model, and what a test does with it. */
export class TestModel<T extends object, M extends object = never> implements IModel<T, M> {
  constructor(private readonly traits: T) {}

  /** What the script has sent, the first first. */
  readonly sent: object[] = [];

  get<K extends keyof T & string>(name: K): T[K] {
    return this.traits[name];
  }

  /** As Python sets a trait. */
  set<K extends keyof T & string>(name: K, value: T[K]): void {
    this.traits[name] = value;
    this.tell(`change:${name}`);
  }

  /** As Python sends a message. */
  say(message: M, ...buffers: DataView<ArrayBuffer>[]): void {
    this.tell('msg:custom', message, buffers);
  }

  /** As ipywidgets tells that a kernel was restarted. */
  restart(): void {
    this.tell('comm_live_update');
  }

  send(content: object): void {
    this.sent.push(content);
  }

  on(event: string, listener: Listener): void {
    this.listeners.push([event, listener]);
  }

  off(event: string, listener: Listener): void {
    const at = this.listeners.findIndex(([name, other]) => name === event && other === listener);
    this.listeners.splice(at, at < 0 ? 0 : 1);
  }

  /** How many listen. */
  get heard(): number {
    return this.listeners.length;
  }

  private tell(event: string, ...given: unknown[]): void {
    for (const [name, listener] of [...this.listeners]) {
      if (name === event) {
        listener(...(given as never[]));
      }
    }
  }

  private readonly listeners: [string, Listener][] = [];
}

/** A model with these traits, for what draws it. */
export function modelFor<T extends object, M extends object>(
  _render: (view: IView<T, M>) => unknown,
  traits: T
): TestModel<T, M> {
  return new TestModel<T, M>(traits);
}
