import { computed, signal } from '@preact/signals';
import { linkTo, parseRoute } from './address.ts';

export { linkTo };

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
