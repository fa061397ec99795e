import type { NativeWebSocket } from '../../lib/client/index.ts';

type Handler = NativeWebSocket['onopen'];

/** The underlying WebSocket, controlled by the test. */
export class FakeSocket implements NativeWebSocket {
  static last: FakeSocket | undefined;
  readyState = 0;
  onopen: Handler = null;
  onmessage: Handler = null;
  onerror: Handler = null;
  onclose: Handler = null;
  readonly sent: string[] = [];
  closedWith: number | undefined;
  readonly url: string;
  readonly protocols: string[];
  readonly options: unknown;

  constructor(url: string, protocols: string[] = [], options?: unknown) {
    this.url = url;
    this.protocols = protocols;
    this.options = options;
    FakeSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(code?: number): void {
    this.closedWith ??= code;
  }
}

/** Timers on a clock that the test advances. */
export class FakeTimers {
  #nowMs = 0;
  readonly #due = new Map<number, { atMs: number; callback: () => void }>();
  #nextId = 1;

  setTimeout(callback: () => void, ms: number): number {
    this.#due.set(this.#nextId, { atMs: this.#nowMs + ms, callback });
    return this.#nextId++;
  }

  clearTimeout(id: unknown): void {
    this.#due.delete(id as number);
  }

  get pending(): number {
    return this.#due.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [id, { atMs, callback }] of [...this.#due]) {
      if (atMs <= this.#nowMs && this.#due.delete(id)) callback();
    }
  }
}

/** Runs all pending microtasks of the adapter. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
