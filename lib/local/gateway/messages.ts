import type { Connection } from './connections.ts';
import type { Core } from './core.ts';
import { errorBody } from './error-body.ts';
import { messageEvent } from './events.ts';
import { wait } from './faults.ts';
import type { Outcome } from './invoker.ts';
import { maxConcurrentInvocations, maxFrameBytes } from './limits.ts';
import { meteredMessages } from './meters.ts';

/**
 * Runs `$default` for one message of a client. Messages of one connection run at once and may finish in any order:
 * AWS guarantees none, so nothing here restores it.
 */
export function receiveMessage(core: Core, connection: Connection, data: Buffer): void {
  const { clock, meters, tasks } = core;
  connection.lastActiveAtMs = clock.now();
  meters.messagesIn++;
  meters.meteredMessagesIn += meteredMessages(data.length);
  if (++connection.running >= maxConcurrentInvocations) connection.socket.pause();
  tasks.run(async () => {
    try {
      await handle(core, connection, data.toString('utf8'));
    } finally {
      if (--connection.running < maxConcurrentInvocations && connection.socket.isPaused) {
        connection.socket.resume();
      }
    }
  });
}

async function handle(core: Core, connection: Connection, body: string): Promise<void> {
  const { api, clock, connections, faults, invoker, log, meters, random } = core;
  const { connectionId } = connection;
  const event = messageEvent(api, connection, body, clock.now());
  const call = { route: '$default', connectionId, event, random } as const;

  if (faults.cut?.(call, 'invoke')) connections.cut(connection);
  const outcome = await invoker.run(call);
  const response = routeResponse(outcome, connectionId, event.requestContext.requestId);
  if (response === '' || faults.dropRouteResponse?.(call)) return;
  const pause = wait(faults.delayRouteResponse?.(call), clock);
  if (pause) await pause;
  if (faults.cut?.(call, 'routeResponse')) connections.cut(connection);

  const sent = connections.send(connection, response);
  if (sent === 'sent') meters.routeResponses++;
  if (sent === 'full') {
    log({ event: 'clientBufferFull', connectionId });
    connections.cut(connection);
  }
}

/**
 * The text to send, '' for none. AWS does not say what becomes of a body with a status from 400 on, or of one over
 * 32 KB: the first is not sent, the second counts as a failure of the function, so that neither is relied on.
 */
function routeResponse(outcome: Outcome, connectionId: string, requestId: string): string {
  if (outcome.kind === 'timedOut') return errorBody('Endpoint request timed out', connectionId, requestId);
  if (outcome.kind === 'result') {
    const { statusCode, body = '' } = outcome.result;
    if (statusCode >= 400) return '';
    if (Buffer.byteLength(body) <= maxFrameBytes) return body;
  }
  return errorBody('Internal server error', connectionId, requestId);
}
