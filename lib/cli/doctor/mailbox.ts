/** What has arrived and not been taken. */
export interface Mailbox<Item> {
  put(item: Item): void;
  /** Everything that waits, and will wait, fails with this error. */
  fail(error: Error): void;
  /**
   * The first item that matches, once it is there. Others stay.
   * @param what is named in the error.
   */
  take(what: string, matches?: (item: Item) => boolean, waitMs?: number): Promise<Item>;
  /** Takes all items that are there. */
  takeAll(): Item[];
}

/** Longest wait for an answer. A cold start takes about a second. */
export const answerMs = 15_000;

export function createMailbox<Item>(): Mailbox<Item> {
  const items: Item[] = [];
  let failure: Error | undefined;
  let wake = (): void => undefined;
  let changed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  function signal(): void {
    wake();
    changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
  }

  return {
    put(item) {
      items.push(item);
      signal();
    },
    fail(error) {
      failure ??= error;
      signal();
    },
    async take(what, matches = () => true, waitMs = answerMs) {
      let timer: NodeJS.Timeout | undefined;
      const expired = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, waitMs);
      });
      const endMs = performance.now() + waitMs;
      try {
        for (;;) {
          const index = items.findIndex(matches);
          const [item] = index < 0 ? [] : items.splice(index, 1);
          if (item !== undefined) return item;
          if (failure !== undefined) throw failure;
          if (performance.now() >= endMs) throw new Error(`no ${what} within ${waitMs / 1_000} s`);
          await Promise.race([changed, expired]);
        }
      } finally {
        clearTimeout(timer);
      }
    },
    takeAll: () => items.splice(0),
  };
}
