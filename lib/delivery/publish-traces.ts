import type { Context } from '../core/context.ts';
import type { ClientKey, Message } from '../core/model.ts';
import { type TraceLine, type Traces, traceTopic } from '../core/traces.ts';
import { publishMessages, takeAsIs } from './publish.ts';

/**
 * Publishes what is to be told of traced clients: a message at QoS 0 for each line, which fires no
 * rules and which is never traced itself. A failure is logged, and the lines are in the log anyway.
 */
export async function publishTraces(context: Context, traced: ReturnType<Traces['take']>): Promise<void> {
  for (const { key, lines } of traced) {
    try {
      await publishLines(context, key, lines);
    } catch (error) {
      context.log.warn('lines of a trace were not published', {
        tenant: key.tenant,
        error: error instanceof Error ? error.name : 'unknown',
      });
    }
  }
}

async function publishLines(context: Context, key: ClientKey, lines: readonly TraceLine[]): Promise<void> {
  const live = await context.tenants.readLive(key.tenant, false);
  if (live?.status !== 'active') return;
  const topic = traceTopic(key);
  const properties = { contentType: 'application/json', payloadFormatIndicator: true };
  const requests = lines.map((line): Message => {
    const payload = new TextEncoder().encode(JSON.stringify(line));
    return { id: context.ids.unique(), topic, payload, qos: 0, retain: false, properties };
  });
  await publishMessages(context, {
    tenant: key.tenant,
    live,
    requests,
    judge: takeAsIs,
    countedIfReceived: true,
  });
}
