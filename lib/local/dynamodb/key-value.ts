import type { Level } from './dynalite.ts';
import { rangeWithin } from './operation.ts';

/** JSON values by ASCII key. Entries are in order of their keys. */
export interface KeyValueStore {
  put(key: string, value: unknown): Promise<void>;
  del(key: string): Promise<void>;
  entries(): Promise<[key: string, value: unknown][]>;
}

export function createKeyValueStore(db: Level, name: string): KeyValueStore {
  const prefix = `kv-${name}~`;
  return {
    put: (key, value) => db.put(prefix + key, value),
    del: (key) => db.del(prefix + key),
    async entries() {
      const iterator = db.iterator(rangeWithin(prefix));
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
