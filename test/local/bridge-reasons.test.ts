import { expect, it } from 'vitest';
import { bridgeRefusals } from '../../lib/bridge/index.ts';
import { reasons } from '../../lib/core/reasons.ts';

it('the catalogue of reasons covers the refusals of the bridge', () => {
  expect(Object.keys(reasons)).toEqual(expect.arrayContaining([...bridgeRefusals]));
});
