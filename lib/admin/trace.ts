import * as v from 'valibot';
import type { Context } from '../core/context.ts';
import type { ClientKey } from '../core/model.ts';
import { defaultSettings } from '../core/settings.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { traceTopic } from '../core/traces.ts';
import { closedObject, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, parameter } from '../http/read.ts';
import { type AdminCall, type AdminOperation, existingTenant } from './request.ts';
import { isoTime } from './tenant-config.ts';

const defaultSeconds = 300;

/** For how long a client is traced. */
export const traceSchema = closedObject({
  seconds: v.exactOptional(
    v.pipe(wholeNumber(1, defaultSettings.maxTraceSeconds), v.description('How long. Default: 300.')),
    defaultSeconds,
  ),
});

/**
 * Traces a client for some time: each decision about it becomes a line in the log and a message on
 * a topic. The client need not be connected, nor known.
 *
 * Order of the writes: session, connection. A crash between them leaves a client of which only
 * deliveries are traced until its next connection; the operator repeats the request. Likewise a
 * CONNECT that is being handled meanwhile.
 */
export const traceClient: AdminOperation = async (call) => {
  const { seconds } = jsonBody(call.request, traceSchema);
  const key = clientOf(call, await existingTenant(call));
  const { clock, log } = call.context;
  const untilMs = clock.nowMs() + seconds * 1_000;
  await setTrace(call.context, key, untilMs);
  log.info('client traced', { tenant: key.tenant, seconds });
  return { status: 200, body: { topic: traceTopic(key), until: isoTime(untilMs) } };
};

/**
 * Ends the trace of a client. Idempotent. A crash between the writes leaves a connection that is
 * traced until the time of the trace, or the next request to end it.
 */
export const endTrace: AdminOperation = async (call) => {
  const key = clientOf(call, await existingTenant(call));
  await setTrace(call.context, key, undefined);
  return { status: 204 };
};

async function setTrace(
  { sessions, connections, gateway }: Context,
  key: ClientKey,
  untilMs: number | undefined,
): Promise<void> {
  const session = await sessions.setTrace(key, untilMs);
  if (session?.address === undefined) return;
  await connections.setTrace(session.address, untilMs);
  await gateway.reread?.(session.address);
}

function clientOf({ context, request }: AdminCall, tenant: TenantId): ClientKey {
  const clientId = parameter(request.query, 'clientId');
  if (Buffer.byteLength(clientId) > context.settings.maxClientIdBytes || clientId.includes('\0'))
    throw new Problem('client-id');
  return { tenant, clientId };
}
