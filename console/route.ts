import { computed, signal } from '@preact/signals';

/**
 * Where the operator is: `#/PAGE`, `#/PAGE/TENANT`, with what the page remembers in the query, such
 * as `#/clients/acme?client=sensor-7`. Everything behind `#` stays in the browser.
 */
export interface Route {
  /** Empty: the first page. */
  readonly page: string;
  readonly tenant: string | undefined;
  readonly query: URLSearchParams;
}

/** `#/PAGE/TENANT?…` for a link. Members of the query that are undefined or empty are left out. */
export function linkTo(
  page: string,
  tenant?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = given.map(([name, value = '']) => `${name}=${encodeURIComponent(value)}`).join('&');
  const path = [page, ...(tenant === undefined ? [] : [tenant])].map(encodeURIComponent).join('/');
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

export function parseRoute(hash: string): Route {
  const [path = '', ...search] = hash.replace(/^#\/?/, '').split('?');
  const [page = '', tenant = ''] = path.split('/').map(decoded);
  return { page, tenant: tenant === '' ? undefined : tenant, query: new URLSearchParams(search.join('?')) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

/** The current route. Components that read `route.value` follow it. */
export const route = computed(() => parseRoute(hash.value));

/** Goes to a link of {@link linkTo}. @param replace whether "back" skips the page of now */
export function go(link: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', link);
    hash.value = location.hash;
  } else location.hash = link;
}

/** Changes members of the current page's query in place, so that the address can be shared. */
export function remember(query: Readonly<Record<string, string | undefined>>): void {
  const { page, tenant, query: current } = route.value;
  go(linkTo(page, tenant, { ...Object.fromEntries(current), ...query }), true);
}
