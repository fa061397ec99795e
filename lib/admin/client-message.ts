import * as v from 'valibot';
import { sendToClient } from '../broker/send-to-client.ts';
import { wholeNumber } from '../core/validation.ts';
import { isAcknowledgedWithin } from '../delivery/to-client.ts';
import { Problem } from '../http/problem.ts';
import { clientMessageFrom } from '../http/publish-request.ts';
import { checkedParameters, literalParameters, parameter } from '../http/read.ts';
import { operatorPermissions } from './publish.ts';
import { type AdminOperation, activeTenant } from './request.ts';

/**
 * Longest wait for the acknowledgement, in seconds. API Gateway ends a request after 29 s, the
 * function after 28 s.
 */
const maxConfirmSeconds = 25;

const parametersSchema = v.object({ confirm: v.exactOptional(wholeNumber(1, maxConfirmSeconds)) });

/**
 * Sends a message to one client, which needs no subscription. With `?confirm=SECONDS` it answers
 * when the client has acknowledged the message, or after these seconds.
 */
export const sendToOneClient: AdminOperation = async (call) => {
  const { context, request } = call;
  const clientId = parameter(request.query, 'clientId');
  const { confirm } = checkedParameters(parametersSchema, literalParameters(request.query, ['confirm']));
  const { request: message, id } = clientMessageFrom(request);
  if (message.qos === 0 && (confirm !== undefined || id !== undefined))
    throw new Problem('body', { detail: 'qos: expected 1 or 2, because of "confirm" or "id"' });
  const { tenant, live } = await activeTenant(call);
  if (Buffer.byteLength(clientId) > context.settings.maxClientIdBytes) throw new Problem('client-unknown');

  const key = { tenant, clientId };
  const publisher = { permissions: operatorPermissions };
  const name = id === undefined ? undefined : `admin:${id}`;
  const outcome = await sendToClient(context, key, live, publisher, message, name);
  if ('code' in outcome) throw new Problem(outcome.code, { message: outcome.message });
  if (outcome.kind === 'no-session') throw new Problem('client-unknown');
  if (outcome.kind === 'queue-full') throw new Problem('client-queue-full');
  if (outcome.kind === 'too-large')
    throw new Problem('client-packet-too-large', { detail: `${outcome.maxBytes} bytes` });
  if (outcome.kind !== 'queued') return { status: 200, body: { outcome: outcome.kind } };
  const { entry } = outcome;
  return {
    status: 200,
    body: {
      outcome: 'queued',
      ...(entry.isRepeated ? { repeated: true } : {}),
      ...(confirm === undefined
        ? {}
        : { confirmed: await isAcknowledgedWithin(context, key, entry, confirm) }),
    },
  };
};
