import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import type { SqsRecord } from '../../lib/aws/events.ts';
import { publishInboundBatch } from '../../lib/aws/inbound-batch.ts';
import { crashUnderSeeds, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkArrival } from './invariants.ts';
import type { World } from './world.ts';

const topic = 'a/b';

/** The inbound queue, a standard queue, and its dead-letter queue. */
class InboundQueues {
  readonly #world: World;
  readonly #messages: { record: SqsRecord; isHandled: boolean }[];
  /** Body and reason. */
  readonly letters: (readonly [string, string])[] = [];
  readonly #sqs: SQSClient;

  constructor(world: World, bodies: readonly string[]) {
    this.#world = world;
    this.#messages = bodies.map((body, index) => ({
      record: { messageId: `m${index}`, body, receiptHandle: String(index), receiveCount: 0 } as SqsRecord,
      isHandled: false,
    }));
    const send = (command: object): Promise<object> => {
      if (command instanceof ChangeMessageVisibilityCommand) return world.scheduler.hold('hide', () => ({}));
      if (!(command instanceof SendMessageBatchCommand)) throw new TypeError('an unknown command');
      const { Entries = [] } = command.input;
      return world.scheduler.hold('dead letters', () => {
        for (const { MessageBody = '', MessageAttributes } of Entries)
          this.letters.push([MessageBody, MessageAttributes?.reason?.StringValue ?? '']);
        return {};
      });
    };
    this.#sqs = { send } as unknown as SQSClient;
  }

  get left(): number {
    return this.#messages.length;
  }

  /** Hands out all messages: once more while another handler has them, as the queue may. */
  receive(times: number): void {
    for (let time = 0; time < times; time += 1) {
      const taken = [...this.#messages];
      for (const message of taken)
        message.record = { ...message.record, receiveCount: message.record.receiveCount + 1 };
      const records = taken.map(({ record }) => record);
      const handled = this.#world.call('inbound', (context) =>
        publishInboundBatch(
          {
            context,
            sqs: this.#sqs,
            queueUrl: 'inbound',
            deadLetterUrl: 'dead',
            flush: async () => undefined,
          },
          records,
        ),
      );
      // What a handler that dies has taken comes again.
      handled.then(
        (left) => {
          for (const message of taken) {
            const index = this.#messages.indexOf(message);
            if (index >= 0 && !left.includes(message.record.messageId)) this.#messages.splice(index, 1);
          }
        },
        () => undefined,
      );
    }
  }
}

const good = ['one', 'two', 'three'];
const malformed = ['no JSON', '{"tenant":"tenant"}'];
const refused = JSON.stringify({ tenant: 'tenant', topic: '$SYS/x', payloadText: 'x', qos: 1 });

function scenario(qos: 1 | 2, times: number): Scenario {
  let queues: InboundQueues | undefined;
  return {
    async prepare(world) {
      const subscriber = world.client({ id: 'sub' });
      await world.settle();
      subscriber.subscribe(topic, qos);
      await world.settle();
      const bodies = good.map((payloadText) => JSON.stringify({ tenant: 'tenant', topic, payloadText, qos }));
      queues = new InboundQueues(world, [malformed[0] ?? '', ...bodies, malformed[1] ?? '', refused]);
    },
    race() {
      queues?.receive(times);
    },
    async afterwards(world) {
      for (let round = 0; round < 5 && (queues?.left ?? 0) > 0; round += 1) {
        world.advance(120_000);
        queues?.receive(1);
        await world.settle();
      }
      for (const client of world.clients) client.connect();
      await world.settle();
    },
    check(world) {
      if (queues?.left !== 0) world.violation(`${queues?.left} messages are left in the queue`);
      for (const client of world.clients) for (const text of good) checkArrival(world, client, text, { qos });
      const letters = queues?.letters ?? [];
      for (const body of [...malformed, refused])
        if (!letters.some((letter) => letter[0] === body)) world.violation(`${body} is no dead letter`);
      for (const [body, reason] of letters) {
        if (![...malformed, refused].includes(body)) world.violation(`${body} is a dead letter: ${reason}`);
        if (reason === '') world.violation(`${body} has no reason`);
      }
    },
  };
}

it.each([1, 2] as const)(
  'a handler stopped at any call, QoS %i: each message is published or a dead letter',
  async (qos) => {
    const count = await crashUnderSeeds(() => scenario(qos, 1), schedules / 15);
    expect(count).toBeGreaterThan(20);
  },
  240_000,
);

it.each([1, 2] as const)('a batch that the queue hands out twice at once, QoS %i', async (qos) => {
  await exploreRandomly(scenario(qos, 2), Math.ceil(schedules / 4));
});
