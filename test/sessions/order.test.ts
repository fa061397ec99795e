import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jitter, seededRandom } from '../../lib/local/gateway/index.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';

/** Each post takes up to 8 ms and each invocation starts up to 4 ms late, at random. */
const faults = { delayPost: jitter(8), delayInvoke: jitter(4), delayRouteResponse: jitter(4) };

describe('messages of each publisher keep their order while posts are slow and publishers many', () => {
  let service: TestService;
  let mint: Mint;
  beforeAll(async () => {
    service = await startTestService({ faults, random: seededRandom(1) });
    mint = await service.tenant('acme');
  });
  afterAll(() => service.close());

  it.each([
    { qos: 1, receiveMaximum: undefined },
    { qos: 2, receiveMaximum: undefined },
    { qos: 1, receiveMaximum: 3 },
    { qos: 2, receiveMaximum: 3 },
  ] as const)(
    'QoS $qos, Receive Maximum $receiveMaximum [MQTT-4.6.0-6 v3+v5]',
    async ({ qos, receiveMaximum }) => {
      const publishers = 4;
      const messages = 25;
      const topic = `order/${qos}/${receiveMaximum}`;
      const subscriber = await service.connect(mint, {
        clientId: `sub-${qos}-${receiveMaximum}`,
        ...(receiveMaximum === undefined ? {} : { properties: { receiveMaximum } }),
      });
      const got: string[] = [];
      const complete = new Promise<void>((resolve) => {
        subscriber.on('message', (_, payload) => {
          got.push(payload.toString());
          if (new Set(got).size === publishers * messages) resolve();
        });
      });
      await subscriber.subscribeAsync(topic, { qos });
      const clients: MqttClient[] = [];
      for (let index = 0; index < publishers; index += 1) clients.push(await service.connect(mint));
      await Promise.all(
        clients.map((client, index) =>
          Promise.all(
            Array.from({ length: messages }, (_, number) =>
              client.publishAsync(topic, `${index}:${number}`, { qos }),
            ),
          ),
        ),
      );
      await complete;
      for (let index = 0; index < publishers; index += 1)
        expect(got.filter((text) => text.startsWith(`${index}:`))).toEqual(
          Array.from({ length: messages }, (_, number) => `${index}:${number}`),
        );
      await Promise.all([subscriber, ...clients].map((client) => client.endAsync()));
    },
  );
});
