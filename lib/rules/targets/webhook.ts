import type { IncomingMessage } from 'node:http';
import type { RuleSecrets } from '../../core/rule-secrets.ts';
import type { Rule } from '../../core/rules.ts';
import {
  createConnectionPool,
  createHttpsClient,
  type HttpsClientOptions,
  HttpsError,
  type HttpsFault,
} from '../../https/index.ts';
import { ownHeaders } from '../own-headers.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort } from '../target.ts';
import { oneByOne } from './one-by-one.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { webhookHeaders, webhookKeyOf } from './signature.ts';

export interface WebhookTargetOptions extends Pick<HttpsClientOptions, 'allowPrivate' | 'resolve' | 'ca'> {
  readonly secrets: Pick<RuleSecrets, 'read'>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Total time of a request in ms. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** Records of one call: a request carries one. */
const batchRecords = 1;
const defaultTimeoutMs = 10_000;
/**
 * Bytes of an answer that are read, and dropped: then the connection can serve the next request. A
 * longer answer ends its connection.
 */
const maxAnswerBytes = 4_096;
/**
 * How long the end of an answer is waited for after its status, in ms. The status decides; a
 * receiver that trickles a body would otherwise hold a worker for the whole time of a request, with
 * deliveries that succeed, so that no circuit opens.
 */
const answerEndMs = 250;

/**
 * Statuses that speak of this record alone: to send it again would hold up those behind it. All
 * other statuses that are not 2xx are tried again, as Standard Webhooks asks.
 */
const refusals = new Set([413, 415, 422]);
/** Statuses of a receiver that has too much to do. */
const busy = new Set([425, 429, 503]);

/**
 * POSTs records to a URL, as Standard Webhooks 1.0.0 describes it. The client of lib/https keeps
 * the requests away from private addresses and does not follow redirects.
 */
export function createWebhookTarget(options: WebhookTargetOptions): RuleTargetPort {
  const { secrets, nowMs, timeoutMs = defaultTimeoutMs, ...guard } = options;
  const send = createHttpsClient({ ...guard, timeoutMs, pool: createConnectionPool() });

  async function post(rule: Rule, delivery: RuleDelivery): Promise<DeliveryOutcome> {
    if (rule.target.kind !== 'webhook') throw new TypeError(`${rule.target.kind} is no webhook`);
    const { url, headers } = rule.target;
    const found = await secrets.read(delivery.record.tenant, rule.name).catch(() => undefined);
    const keys = found?.map(webhookKeyOf).filter((key) => key !== undefined) ?? [];
    // Receivers must never see a request without a signature.
    if (keys.length === 0) return { kind: 'retry', code: 'rule-secret-missing' };
    const { id, body, contentType } = delivery;
    const timestampSeconds = Math.floor(nowMs() / 1_000);
    let answer: IncomingMessage | undefined;
    try {
      await send(
        {
          method: 'POST',
          url,
          headers: {
            'user-agent': 'Wisp',
            'content-type': contentType,
            ...ownHeaders(headers),
            ...webhookHeaders({ id, timestampSeconds, body }, keys),
          },
          body,
        },
        async (received) => {
          answer = received;
          await drain(received);
        },
      );
    } catch (error) {
      // An answer that breaks after its status has been given all the same.
      if (answer === undefined)
        return outcomeOfFault(error instanceof HttpsError ? error.fault : 'connection');
    }
    return outcomeOfAnswer(answer, nowMs());
  }

  return {
    maxBatch: batchRecords,
    deliver: (rule, deliveries) => oneByOne(deliveries, (delivery) => post(rule, delivery)),
  };
}

/** Reads an answer to its end, as far as its bounds of bytes and time allow. */
async function drain(answer: IncomingMessage): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, answerEndMs);
  });
  try {
    await Promise.race([readBody(answer), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) return;
  }
}

function outcomeOfFault(fault: HttpsFault): DeliveryOutcome {
  switch (fault) {
    case 'url':
      return { kind: 'refused', code: 'rule-target-url' };
    // DNS can be corrected; nothing has been sent.
    case 'address':
      return { kind: 'retry', code: 'rule-target-address' };
    case 'host':
      return { kind: 'retry', code: 'rule-target-host' };
    case 'timeout':
      return { kind: 'retry', code: 'rule-target-timeout' };
    case 'connection':
      return { kind: 'retry', code: 'rule-target-connection' };
  }
}

function outcomeOfAnswer(answer: IncomingMessage | undefined, nowMs: number): DeliveryOutcome {
  const status = answer?.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone', code: 'rule-target-gone' };
  if (refusals.has(status)) return { kind: 'refused', code: 'rule-target-refused' };
  const afterSeconds = retryAfterSeconds(answer?.headers['retry-after'], nowMs);
  return {
    kind: 'retry',
    code: retryCodeOf(status),
    ...(afterSeconds === undefined ? {} : { afterSeconds }),
  };
}

function retryCodeOf(status: number) {
  if (status >= 300 && status < 400) return 'rule-target-redirect';
  if (busy.has(status)) return 'rule-target-busy';
  return status >= 500 ? 'rule-target-unavailable' : 'rule-target-status';
}
