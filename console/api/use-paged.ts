import { useState } from 'preact/hooks';
import { admin } from './call.ts';
import { type Loaded, useLoad } from './use-load.ts';

export interface Paged<Item> extends Omit<Loaded<unknown>, 'value'> {
  /** Undefined until the first page is there. */
  readonly items: readonly Item[] | undefined;
  /** From 1. */
  readonly pageNumber: number;
  readonly hasNext: boolean;
  next(): void;
  previous(): void;
}

/**
 * A paged list of the admin API, one page at a time; `<Pager>` shows its buttons.
 *
 * @param path `/tenants/acme/clients`
 * @param member name of the list in the answer: `clients`
 * @param query further parameters; a change begins at the first page
 * @param limit items of a page, at most 100
 */
export function usePaged<Item>(
  path: string,
  member: string,
  query: Readonly<Record<string, string | undefined>> = {},
  limit = 50,
): Paged<Item> {
  const key = JSON.stringify([path, query, limit]);
  const [tokens, setTokens] = useState<{ readonly key: string; readonly list: readonly string[] }>({
    key,
    list: [],
  });
  const list = tokens.key === key ? tokens.list : [];
  const page = list.at(-1);
  const { value, ...loaded } = useLoad(
    (signal) =>
      admin<Readonly<Record<string, unknown>>>('GET', path, { query: { ...query, limit, page }, signal }),
    [key, page],
  );
  const next = value?.next as string | undefined;
  return {
    ...loaded,
    items: value?.[member] as readonly Item[] | undefined,
    pageNumber: list.length + 1,
    hasNext: next !== undefined,
    next: () => next !== undefined && setTokens({ key, list: [...list, next] }),
    previous: () => setTokens({ key, list: list.slice(0, -1) }),
  };
}
