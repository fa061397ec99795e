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
