import type { Message } from './message.ts';

/** Stores JSON values by key. Entries are in order of their keys. */
export interface MessageStore {
  put(key: string, value: unknown): Promise<void>;
  del(key: string): Promise<void>;
  entries(): Promise<[key: string, value: unknown][]>;
}

/** The message that first used a deduplication id. */
export interface Duplicate {
  readonly messageId: string;
  readonly sequence: number;
  readonly expiresAtMs: number;
}

export interface Saved {
  readonly messages: ReadonlyMap<string, Message[]>;
  readonly duplicates: ReadonlyMap<string, Map<string, Duplicate>>;
}

/** Writes all changes to the store in sequence, so that two writes of one key keep their order. */
export class Journal {
  readonly #store: MessageStore | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(store: MessageStore | undefined) {
    this.#store = store;
  }

  /** Resolves when the message is stored. */
  save(queue: string, message: Message): Promise<void> {
    return this.#write((store) => store.put(messageKey(queue, message), message));
  }

  remove(queue: string, message: Message): Promise<void> {
    return this.#write((store) => store.del(messageKey(queue, message)));
  }

  saveDuplicate(queue: string, id: string, duplicate: Duplicate): Promise<void> {
    return this.#write((store) => store.put(`d/${queue}/${id}`, duplicate));
  }

  removeDuplicate(queue: string, id: string): Promise<void> {
    return this.#write((store) => store.del(`d/${queue}/${id}`));
  }

  /** Resolves when all earlier writes are stored. */
  flush(): Promise<void> {
    return this.#tail;
  }

  async load(): Promise<Saved> {
    const messages = new Map<string, Message[]>();
    const duplicates = new Map<string, Map<string, Duplicate>>();
    for (const [key, value] of (await this.#store?.entries()) ?? []) {
      const [kind = '', queue = ''] = key.split('/', 2);
      if (kind === 'm') {
        const ofQueue = messages.get(queue) ?? [];
        ofQueue.push(value as Message);
        messages.set(queue, ofQueue);
      } else {
        const ofQueue = duplicates.get(queue) ?? new Map<string, Duplicate>();
        duplicates.set(queue, ofQueue.set(key.slice(kind.length + queue.length + 2), value as Duplicate));
      }
    }
    return { messages, duplicates };
  }

  #write(write: (store: MessageStore) => Promise<void>): Promise<void> {
    const store = this.#store;
    if (!store) return Promise.resolve();
    const written = this.#tail.then(() => write(store));
    // The caller gets the error of a failed write; later writes continue.
    this.#tail = written.catch(() => {});
    return written;
  }
}

function messageKey(queue: string, message: Message): string {
  return `m/${queue}/${message.messageId}`;
}
