import type { MqttClient } from 'mqtt';
import { expect, it } from 'vitest';
import { createGate, intercept } from '../../lib/local/dynamodb/intercept.ts';
import { inbox, localTables } from '../support/service.ts';
import { closeAfterTest, startDoors } from './doors.ts';
import { connectWsTo, edgeOf, startEdged } from './edged.ts';

/** Each has a shape of its own, so the first round of each also changes the tenant's row. */
const filters = ['room/1', 'room/+', 'room/#', '+/1'];
const rounds = 16;

/** The message on the topic `done` tells that the one before it has been handled. */
it.each([
  ['the same client', 'edge'],
  ['another client', 'edge'],
  ['another client', 'gateway'],
] as const)(
  'at QoS 0 a message of %s right after SUBACK reaches its subscriber at the %s',
  async (who, where) => {
    const { service, connectWs: connect } = await startEdged();
    const mint = await service.tenant('acme');
    const noisy = await connect(mint, { clientId: 'noisy' });
    const other = await connect(mint, { clientId: 'other' });
    const subscriber =
      where === 'edge'
        ? await connect(mint, { clientId: 'sub' })
        : await service.connect(mint, { clientId: 'sub' });
    await expectAll(subscriber, who === 'the same client' ? subscriber : other, noisy);
  },
);

it('at QoS 0 a message right after SUBACK of another edge reaches its subscriber', async () => {
  const doors = await startDoors();
  const mint = await doors.service.tenant('acme');
  const start = async (name: string) => {
    const { open } = doors.killable(name);
    const edge = await edgeOf(doors.service, { edge: name, openBackDoor: open });
    closeAfterTest(edge);
    return async (clientId: string): Promise<MqttClient> => {
      const client = await connectWsTo(edge, mint, { clientId });
      closeAfterTest({ close: () => client.endAsync(true) });
      return client;
    };
  };
  const [connectA, connectB] = [await start('A'), await start('B')];
  await expectAll(await connectB('sub'), await connectA('publisher'), await connectA('noisy'));
});

/** Subscribes and publishes at once, while another client publishes to the same topic. */
async function expectAll(subscriber: MqttClient, publisher: MqttClient, noisy: MqttClient): Promise<void> {
  const got = inbox(subscriber);
  await subscriber.subscribeAsync('done', { qos: 0 });

  let isOver = false;
  const noise = (async () => {
    while (!isOver) {
      noisy.publish('room/1', 'noise');
      await noisy.publishAsync('nobody', '', { qos: 1 });
    }
  })();
  for (let round = 0; round < rounds; round += 1) {
    const filter = filters[round % filters.length] ?? '';
    await subscriber.subscribeAsync(filter, { qos: 0 });
    publisher.publish('room/1', `${round}`);
    publisher.publish('done', `${round}`);
    const texts: string[] = [];
    for (let last = ''; last !== `done ${round}`; texts.push(last)) {
      const { topic, text } = await got.next();
      last = topic === 'done' ? `done ${text}` : text;
    }
    expect(texts).toContain(`${round}`);
    await subscriber.unsubscribeAsync(filter);
  }
  isOver = true;
  await noise;
}

it('a message never gets an audience whose read has begun before it came', async () => {
  const reads = createGate();
  let isHolding = false;
  const { service, connectWs: connect } = await startEdged({
    service: {
      wrapStore: (handler) =>
        intercept(handler, {
          after: (call) =>
            isHolding && call.operation === 'Query' && call.tables.includes(localTables.subscriptions)
              ? reads.hold(call)
              : undefined,
        }),
    },
  });
  const mint = await service.tenant('acme');
  const early = await connect(mint, { clientId: 'early' });
  await early.subscribeAsync('room/1', { qos: 0 });
  const noisy = await connect(mint, { clientId: 'noisy' });
  const publisher = await connect(mint, { clientId: 'publisher' });
  const late = await connect(mint, { clientId: 'late' });
  const got = inbox(late);
  await late.subscribeAsync('done/1', { qos: 0 });

  isHolding = true;
  noisy.publish('room/1', 'noise');
  // It has been read without the late subscriber, and the answer is on its way.
  const read = await reads.next();
  await late.subscribeAsync('room/1', { qos: 0 });
  publisher.publish('room/1', 'hello');
  publisher.publish('done/1', '');
  // Its acknowledgement tells that what was sent before has reached the edge.
  await late.publishAsync('nobody', '', { qos: 1 });
  read.release();
  reads.open();
  expect((await got.next()).topic).toBe('room/1');
});
