import type { Level } from './dynalite.ts';
import { within } from './operation.ts';

/** JSON values by key, in the order of the keys' bytes. Keys are ASCII. */
export interface KeyValueStore {
  put(key: string, value: unknown): Promise<void>;
  del(key: string): Promise<void>;
  entries(): Promise<[key: string, value: unknown][]>;
}

export function keyValueStore(db: Level, name: string): KeyValueStore {
  const prefix = `kv-${name}~`;
  return {
    put: (key, value) => db.put(prefix + key, value),
    del: (key) => db.del(prefix + key),
    async entries() {
      const iterator = db.iterator(within(prefix));
      const entries: [string, unknown][] = [];
      try {
        for (let page = await iterator.nextv(100); page.length > 0; page = await iterator.nextv(100)) {
          for (const [key, value] of page) entries.push([key.slice(prefix.length), value]);
        }
      } finally {
        await iterator.close();
      }
      return entries;
    },
  };
}
