import { expect, it } from 'vitest';
import {
  addressesOfBlock,
  blockOf,
  edgeAddress,
  edgeAddressParts,
  isEdgeAddress,
} from '../../lib/core/edge-address.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';

it('reads back what it wrote', () => {
  for (const channel of [0, 1, 255, 256, Number.MAX_SAFE_INTEGER])
    expect(edgeAddressParts(edgeAddress('01KB', channel))).toEqual({ edge: '01KB', channel });
});

it.each(['HQVgac1YIAMCE2w=', '', 'e:', 'e::1', 'e:01KB', 'e:01KB:', 'e:01KB:-1', 'e:01KB:1.5', 'e:01KB:x'])(
  'takes %j for no address of an edge',
  (address) => {
    expect(isEdgeAddress(address as ConnectionAddress)).toBe(false);
  },
);

it('lists the addresses of a block', () => {
  const addresses = addressesOfBlock('01KB', 3);
  expect(addresses).toHaveLength(256);
  expect(addresses.every((address) => blockOf(edgeAddressParts(address)?.channel ?? -1) === 3)).toBe(true);
});
