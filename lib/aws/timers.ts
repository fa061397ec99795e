import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { ConnectionAddress } from '../core/model.ts';
import { isTenantName, type TenantId } from '../core/tenant-id.ts';
import { maxTimerAddresses, type ScheduledTimer, type Timers, timerReachMs } from '../core/timers.ts';
import { gaugeNames, type UsageGauges } from '../core/usage.ts';
import { sendInBatches } from './send-in-batches.ts';

/** A timer on its way through the queue. */
export interface TimerMessage extends ScheduledTimer {
  readonly v: 1;
}

/**
 * Looks at connections that are due later than this, in milliseconds, go through the queue of
 * looks, which may be late.
 */
const minLookDelayMs = 30_000;

/**
 * Timers as delayed SQS messages. The tenant is the message group: SQS hands out the messages of a
 * group with a backlog after those of the others (Amazon SQS Developer Guide, "Amazon SQS fair
 * queues").
 *
 * Looks at connections have a queue of their own, whose event source gathers messages for some
 * seconds, so that looks of one tenant are merged. Lambda may wait for up to 20 seconds where there
 * is little traffic (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"). All other timers,
 * and looks due within {@link minLookDelayMs}, arrive without that delay.
 *
 * @param lookQueueUrl default: `queueUrl`, for functions that schedule no looks.
 */
export function createTimerQueue(
  client: SQSClient,
  queueUrl: string,
  nowMs: () => number,
  lookQueueUrl: string = queueUrl,
): Timers {
  const isLook = ({ timer, dueAtMs }: ScheduledTimer): boolean =>
    timer.kind === 'connections' && dueAtMs - nowMs() >= minLookDelayMs;
  const messageOf = ({ timer, dueAtMs }: ScheduledTimer) => {
    const message: TimerMessage = { v: 1, timer, dueAtMs };
    const delaySeconds = Math.ceil((dueAtMs - nowMs()) / 1000);
    return {
      MessageBody: JSON.stringify(message),
      DelaySeconds: Math.min(timerReachMs / 1000, Math.max(0, delaySeconds)),
      ...('tenant' in timer ? { MessageGroupId: timer.tenant } : {}),
    };
  };
  return {
    async schedule(timer, dueAtMs) {
      const scheduled = { timer, dueAtMs };
      const QueueUrl = isLook(scheduled) ? lookQueueUrl : queueUrl;
      await client.send(new SendMessageCommand({ QueueUrl, ...messageOf(scheduled) }));
    },
    async scheduleAll(timers) {
      const looks = timers.filter(isLook);
      const others = timers.filter((timer) => !looks.includes(timer));
      await Promise.all([
        sendInBatches(client, lookQueueUrl, looks.map(messageOf)),
        sendInBatches(client, queueUrl, others.map(messageOf)),
      ]);
    },
  };
}

/**
 * A message of the timer queue that this release does not write; most likely a newer one wrote it.
 */
export class TimerFormatError extends Error {
  readonly code = 'timer-format';
  override readonly name = 'TimerFormatError';
}

/**
 * Reads a message of the timer queue. Only this stack writes to it.
 * @throws TimerFormatError when the message is not a timer of this release. SQS then delivers it
 *   again and finally moves it to the dead-letter queue.
 */
export function timerFrom(body: string): TimerMessage {
  const result = v.safeParse(messageSchema, JSON.parse(body));
  if (result.success) return result.output;
  throw new TimerFormatError(
    'a message of the timer queue is no timer of this release: see docs/upgrading.md',
  );
}

const address = v.custom<ConnectionAddress>((value) => typeof value === 'string' && value !== '');
/** A tenant id that a function of this stack put into the queue. */
const tenant = v.custom<TenantId>((value) => typeof value === 'string' && isTenantName(value));
const client = { tenant, clientId: v.string() };
const after = v.exactOptional(v.string());

const targetSchema = v.variant('kind', [
  v.object({ kind: v.literal('token'), tokenId: v.string() }),
  v.object({ kind: v.literal('subject'), subject: v.string() }),
  v.object({ kind: v.literal('client'), clientId: v.string() }),
  v.object({ kind: v.literal('tenant') }),
]);

const gaugesSchema = v.object(
  v.entriesFromList(gaugeNames, v.number()),
) satisfies v.GenericSchema<UsageGauges>;

const messageSchema = v.object({
  v: v.literal(1),
  dueAtMs: v.number(),
  timer: v.variant('kind', [
    v.object({ kind: v.literal('authentication-deadline'), address }),
    v.object({
      kind: v.literal('connections'),
      tenant,
      addresses: v.pipe(v.array(address), v.maxLength(maxTimerAddresses)),
      drainedAtMs: v.number(),
    }),
    v.object({ kind: v.literal('keep-alive'), address }),
    v.object({ kind: v.literal('token-expiry'), address }),
    v.object({ kind: v.literal('will'), address, ...client }),
    v.object({ kind: v.literal('ban'), address: v.exactOptional(address), ...client }),
    v.object({ kind: v.literal('sender'), address, ...client }),
    v.object({ kind: v.literal('session-expiry'), generation: v.string(), ...client }),
    v.object({
      kind: v.literal('retained'),
      address,
      generation: v.string(),
      scans: v.array(
        v.object({
          filter: v.string(),
          qos: v.picklist([0, 1, 2]),
          subscriptionIdentifier: v.exactOptional(v.number()),
          sinceMs: v.exactOptional(v.number()),
          from: v.exactOptional(v.string()),
        }),
      ),
      ...client,
    }),
    v.object({ kind: v.literal('retained-waiting'), generation: v.string(), ...client }),
    v.object({
      kind: v.literal('tenant-sweep'),
      tenant,
      goal: v.picklist(['disconnect', 'erase']),
      settled: v.boolean(),
      after,
    }),
    v.object({ kind: v.literal('revocation'), tenant, atMs: v.number(), target: targetSchema, after }),
    v.object({
      kind: v.literal('recount'),
      tenant,
      atMs: v.number(),
      phase: v.picklist(['retained', 'connections']),
      counted: gaugesSchema,
      after,
    }),
    v.object({
      kind: v.literal('shapes'),
      tenant,
      phase: v.picklist(['find', 'confirm']),
      unseen: v.exactOptional(v.array(v.string())),
      dollar: v.array(v.string()),
      marks: v.array(v.object({ mark: v.string(), shape: v.string() })),
      dollarApart: v.exactOptional(v.boolean()),
      after,
    }),
    v.object({ kind: v.literal('rule-records'), tenant, rule: v.string() }),
    v.object({
      kind: v.literal('edge-lease'),
      edge: v.string(),
      renewedAtMs: v.number(),
      isRepeated: v.boolean(),
    }),
    v.object({ kind: v.literal('edge-sweep'), edge: v.string(), block: v.number() }),
  ]),
}) satisfies v.GenericSchema<unknown, TimerMessage>;
