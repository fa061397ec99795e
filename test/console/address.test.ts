import { expect, test } from 'vitest';
import { linkTo, parseRoute } from '../../console/address.ts';

test.each([
  ['clients', 'acme', { client: 'sensor 7/+#?&=%' }],
  ['tenants', undefined, {}],
  ['topics', 'acme', { topic: '<script>', prefix: 'a/b' }],
])('a link to %s of %s with %j leads there', (page, tenant, query: Record<string, string>) => {
  const route = parseRoute(linkTo(page, tenant, query));
  expect([route.page, route.tenant, Object.fromEntries(route.query)]).toEqual([page, tenant, query]);
});

test('what is empty is left out of a link', () => {
  expect(linkTo('usage', 'acme', { span: undefined, code: '' })).toBe('#/usage/acme');
});

test.each(['', '#', '#/', '#ticket=x', '#/%', '#/a/%E0%A4%A'])(
  'the address %j is read without an error',
  (hash) => {
    expect(() => parseRoute(hash)).not.toThrow();
  },
);
