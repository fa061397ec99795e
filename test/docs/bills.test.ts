import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { billsMarkdown } from './bills.ts';
import { repository } from './pages.ts';

const page = 'docs/first-deployment.md';

it('follow from the prices and from docs/performance.md (npx vitest run test/docs/bills.test.ts -u)', async () => {
  const text = readFileSync(`${repository}/${page}`, 'utf8');
  const [before, rest = ''] = text.split('<!-- bills -->\n');
  const [, after] = rest.split('\n<!-- /bills -->');
  expect(after).toBeDefined();
  const written = `${before}<!-- bills -->\n\n${billsMarkdown()}\n\n<!-- /bills -->${after}`;
  await expect(written).toMatchFileSnapshot(`../../${page}`);
});
