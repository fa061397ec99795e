import { expect, it } from 'vitest';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import type { Ports } from '../../lib/core/ports.ts';
import type { PeerState } from '../../lib/core/store-ports/connections.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

/**
 * The first result of each eventually consistent read of a connection row, repeated by later reads.
 */
const first = new Map<ConnectionAddress, PeerState>();
const suite = useSuite({
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    connections: {
      ...ports.connections,
      async readState(address, consistentLive, age) {
        const state = await ports.connections.readState(address, consistentLive, age);
        if (age !== 'any' || state.connection === undefined) return state;
        const { connection } = first.get(address) ?? {};
        if (connection === undefined) first.set(address, state);
        return connection === undefined ? state : { ...state, connection };
      },
    },
  }),
});
const method = { authenticationMethod: 'wisp-jwt' };

it('a topic alias that has just changed its topic stands for the new one', async () => {
  const to = await suite.connect();
  await to.send(subscribe(1, 'alias/+'));
  const from = await suite.connect();
  const topicAlias = { properties: { topicAlias: 1 } };
  await from.send(publish('alias/old', suite.text('1'), topicAlias));
  first.clear();
  await from.send({ cmd: 'pingreq' });
  await from.send(publish('alias/new', suite.text('2'), topicAlias));
  await from.send(publish('', suite.text('3'), topicAlias));
  const got = await to.settle();
  expect(got.map(({ topic, payload }) => [topic, payload])).toEqual([
    ['alias/old', suite.text('1')],
    ['alias/new', suite.text('2')],
    ['alias/new', suite.text('3')],
  ]);
});

it('a token that has just been renewed counts, and so do its rights', async () => {
  const nowSeconds = (): number => Math.floor(suite.service.service.nowMs() / 1000);
  const grants = (topic: string) => ({ mqtt: { publish: [topic], subscribe: [topic] } });
  const client = await suite.connect({
    claims: { exp: nowSeconds() + 100, ...grants('old') },
    properties: method,
  });
  await client.send({ cmd: 'pingreq' });
  const token = await suite.mint({ exp: nowSeconds() + 1_000, ...grants('new') });
  await client.send({
    cmd: 'auth',
    reasonCode: 0x19,
    properties: { ...method, authenticationData: Buffer.from(token) },
  });
  await suite.advance(200);
  expect(await client.send(subscribe(1, 'old', 'new'))).toMatchObject([
    { cmd: 'suback', granted: [0x87, 0] },
  ]);
  expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
});
