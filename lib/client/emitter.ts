import type { SocketEvent, SocketListener } from './types.ts';

type EventType = SocketEvent['type'];

/** `on…` properties and `addEventListener`, without `EventTarget`, which React Native lacks. */
export class Emitter {
  onopen: SocketListener | null = null;
  onmessage: SocketListener | null = null;
  onerror: SocketListener | null = null;
  onclose: SocketListener | null = null;
  ondrain: SocketListener | null = null;
  readonly #listeners: { [Type in EventType]?: Set<SocketListener> } = {};

  addEventListener(type: EventType, listener: SocketListener): void {
    this.#listeners[type] = new Set(this.#listeners[type]).add(listener);
  }

  removeEventListener(type: EventType, listener: SocketListener): void {
    this.#listeners[type]?.delete(listener);
  }

  protected emit(type: EventType, fields?: Omit<SocketEvent, 'type' | 'target'>): void {
    for (const listener of [this[`on${type}`], ...(this.#listeners[type] ?? [])]) {
      try {
        listener?.call(this, { type, target: this, ...fields });
      } catch (error) {
        // Rethrown later, as an uncaught error of the runtime: a faulty listener must not stop the
        // connection.
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
