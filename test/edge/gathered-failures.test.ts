import type { Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { AwsError } from '../../lib/local/aws-json.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { seededRandom } from '../../lib/local/gateway/index.ts';
import { type Piped, type PipedClient, startPiped } from './piped.ts';

interface Sent {
  readonly topic: string;
  readonly publisher: number;
  readonly number: number;
  readonly qos: 0 | 1;
}

function textOf({ topic, publisher, number, qos }: Sent): string {
  return `${topic} p${publisher} ${qos} ${number}`;
}

function packetOf(message: Sent, index: number): Packet {
  const { topic, qos } = message;
  const payload = textOf(message);
  return { cmd: 'publish', topic, payload, qos, messageId: index + 1, dup: false, retain: false };
}

/** What a subscriber gets, and acknowledges, in its order. */
function receiveAll(client: PipedClient): string[] {
  const texts: string[] = [];
  const receive = async (): Promise<never> => {
    for (;;) {
      const { payload, qos, messageId } = await client.next('publish');
      texts.push(`${payload}`);
      if (qos > 0) client.send({ cmd: 'puback', messageId: messageId ?? 0 });
    }
  };
  void receive();
  return texts;
}

/** Publishes in rounds, and again after each failure. @returns what was acknowledged. */
async function publishAll(
  connect: () => ReturnType<Piped['connect']>,
  publisher: number,
  random: () => number,
): Promise<string[]> {
  const acknowledged: string[] = [];
  let client = await connect();
  let pending: Sent[] = [];
  let number = 0;
  for (let round = 0; round < 6 || pending.length > 0; round += 1) {
    for (let count = round < 6 ? 1 + Math.floor(random() * 8) : 0; count > 0; count -= 1) {
      number += 1;
      pending.push({ topic: `t/${number % 2}`, publisher, number, qos: random() < 0.8 ? 1 : 0 });
    }
    client.send(...pending.map(packetOf));
    const reliable = pending.filter(({ qos }) => qos === 1);
    const ended = client.ended.then(() => undefined);
    let count = 0;
    while (count < reliable.length && (await Promise.race([client.next('puback'), ended])) !== undefined)
      count += 1;
    acknowledged.push(...reliable.slice(0, count).map(textOf));
    pending = reliable.slice(count);
    if (client.received.includes('end')) client = await connect();
  }
  return acknowledged;
}

it.each([1, 2, 3])(
  'loses nothing and keeps the order where calls fail and take their time, seed %i',
  async (seed) => {
    const random = seededRandom(seed);
    let rate = 0;
    let failures = 0;
    const hooks = {
      async before({ operation, input }: StoreCall) {
        const text = JSON.stringify(input);
        for (let turns = random() * 5; turns > 1; turns -= 1)
          await new Promise((resolve) => setImmediate(resolve));
        const isOfBatch =
          (operation === 'PutItem' && /acme\/sub.*q#/.test(text)) ||
          (operation === 'UpdateItem' && /acme\/sub.*ADD seq|ADD seq.*acme\/sub/.test(text)) ||
          (operation === 'Query' && text.includes('acme/t/'));
        if (!isOfBatch || random() > rate) return;
        failures += 1;
        throw new AwsError('ValidationException', 'broken');
      },
    };
    const { service, connect, subscriber } = await startPiped({
      wrapStore: (handler) => intercept(handler, hooks),
    });
    const mint = await service.tenant('acme');
    const filters = ['t/0', 't/1', 't/#'];
    const clients = await Promise.all(
      filters.map((filter, index) => subscriber(mint, `sub${index}`, filter)),
    );
    const received = clients.map(receiveAll);
    rate = 0.02;
    const acknowledged = await Promise.all(
      Array.from({ length: 20 }, (_, publisher) =>
        publishAll(() => connect(mint, `p${publisher}`), publisher, random),
      ),
    );
    expect(failures).toBeGreaterThan(0);
    for (const client of clients) expect(client.received).not.toContain('end');
    for (const [index, texts] of received.entries()) {
      const isFor = (text: string): boolean => index === 2 || text.startsWith(`t/${index} `);
      expect(acknowledged.flat().filter((text) => isFor(text) && !texts.includes(text))).toEqual([]);
      const newest = new Map<string, number>();
      const late = [...new Set(texts)].filter((text) => {
        const [, key = '', number = ''] = /(.*) (\d+)$/.exec(text) ?? [];
        const isLate = (newest.get(key) ?? 0) > Number(number);
        if (!isLate) newest.set(key, Number(number));
        return isLate;
      });
      expect(late).toEqual([]);
    }
  },
  60_000,
);
