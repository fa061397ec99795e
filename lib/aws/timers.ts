import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { RevocationTarget } from '../core/model.ts';
import type { Timer, Timers } from '../core/ports.ts';
import { isTenantName } from '../core/tenant-id.ts';
import { gaugeNames, type UsageGauges } from '../core/usage.ts';

/** Longest DelaySeconds of an SQS message (Amazon SQS Developer Guide, "Amazon SQS message quotas"). */
const maxDelaySeconds = 900;

/** A timer on its way through the queue. */
export interface TimerMessage {
  readonly v: 1;
  readonly timer: Timer;
  readonly dueAtMs: number;
}

/** Timers as delayed SQS messages. One that is due later than 15 minutes is sent on when it arrives. */
export function createTimerQueue(client: SQSClient, queueUrl: string, nowMs: () => number): Timers {
  return {
    async schedule(timer, dueAtMs) {
      const message: TimerMessage = { v: 1, timer, dueAtMs };
      const delaySeconds = Math.ceil((dueAtMs - nowMs()) / 1000);
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(message),
          DelaySeconds: Math.min(maxDelaySeconds, Math.max(0, delaySeconds)),
        }),
      );
    },
  };
}

/** A message of the timer queue that this release cannot have written: of a newer one, most likely. */
export class TimerFormatError extends Error {
  readonly code = 'timer-format';
  override readonly name = 'TimerFormatError';
}

/**
 * Reads a message of the timer queue. Only this stack writes to it.
 * @throws TimerFormatError where it is no timer that this release knows; it then comes again, and is set aside at last.
 */
export function timerFrom(body: string): TimerMessage {
  const message: unknown = JSON.parse(body);
  if (isTimerMessage(message)) return message;
  throw new TimerFormatError(
    'a message of the timer queue is no timer of this release: see docs/upgrading.md',
  );
}

function isTimerMessage(value: unknown): value is TimerMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { v, timer, dueAtMs } = value as Record<string, unknown>;
  return v === 1 && typeof dueAtMs === 'number' && isTimer(timer);
}

function isTimer(value: unknown): value is Timer {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, address, tenant, clientId, generation, goal, settled, after, target, atMs, phase, counted } =
    value as Record<string, unknown>;
  const hasAddress = typeof address === 'string' && address !== '';
  const hasTenant = typeof tenant === 'string' && isTenantName(tenant);
  const hasClient = hasTenant && typeof clientId === 'string';
  switch (kind as Timer['kind']) {
    case 'authentication-deadline':
    case 'keep-alive':
    case 'token-expiry':
      return hasAddress;
    case 'will':
      return hasAddress && hasClient;
    case 'session-expiry':
      return hasClient && typeof generation === 'string';
    case 'tenant-sweep':
      return (
        hasTenant &&
        (goal === 'disconnect' || goal === 'erase') &&
        typeof settled === 'boolean' &&
        (after === undefined || typeof after === 'string')
      );
    case 'revocation':
      return (
        hasTenant &&
        typeof atMs === 'number' &&
        isTarget(target) &&
        (after === undefined || typeof after === 'string')
      );
    case 'recount':
      return (
        hasTenant &&
        typeof atMs === 'number' &&
        (phase === 'retained' || phase === 'connections') &&
        isGauges(counted) &&
        (after === undefined || typeof after === 'string')
      );
    default:
      return false;
  }
}

function isGauges(value: unknown): value is UsageGauges {
  if (typeof value !== 'object' || value === null) return false;
  const gauges = value as Record<string, unknown>;
  return gaugeNames.every((name) => typeof gauges[name] === 'number');
}

function isTarget(value: unknown): value is RevocationTarget {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, tokenId, subject, clientId } = value as Record<string, unknown>;
  switch (kind as RevocationTarget['kind']) {
    case 'token':
      return typeof tokenId === 'string';
    case 'subject':
      return typeof subject === 'string';
    case 'client':
      return typeof clientId === 'string';
    case 'tenant':
      return true;
    default:
      return false;
  }
}
