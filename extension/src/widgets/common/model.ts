/** What a script sees of its widget in Python. */

/** A widget's model, as anywidget hands it over. `T` are its synced traits, `M` the messages that Python sends. */
export interface IModel<T extends object, M extends object = never> {
  get<K extends keyof T & string>(name: K): T[K];
  send(content: object, callbacks?: undefined, buffers?: ArrayBuffer[]): void;
  on(event: `change:${keyof T & string}` | 'comm_live_update', listener: () => void): void;
  on(event: 'msg:custom', listener: (message: M, buffers: DataView<ArrayBuffer>[]) => void): void;
  off(event: `change:${keyof T & string}` | 'comm_live_update', listener: () => void): void;
  off(event: 'msg:custom', listener: (message: M, buffers: DataView<ArrayBuffer>[]) => void): void;
}

/** What a script is given to draw with. */
export interface IView<T extends object, M extends object = never> {
  model: IModel<T, M>;
  el: HTMLElement;
}

/** The state of every panel: how many acts Python has answered, and what the panel describes. */
export interface IPanel<S extends object> {
  state: S & { answered: number };
}

/** What takes long: its title, what it works on, how much is done, and of how much. */
export type Progress = [title: string, detail: string, done: number, of: number];

/** A value and what it is called where it is chosen. */
export type Choice = [value: string, label: string];

/** A file that Python offers. */
export interface IDownload {
  type: 'download';
  name: string;
  kind: string;
}
