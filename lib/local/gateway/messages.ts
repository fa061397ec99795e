import type { Connection } from './connections.ts';
import type { Core } from './core.ts';
import { errorBody } from './error-body.ts';
import { messageEvent, type Route } from './events.ts';
import { waitFor } from './faults.ts';
import type { Outcome } from './invoker.ts';
import { maxConcurrentInvocations, maxFrameBytes } from './limits.ts';
import { meteredMessages } from './meters.ts';

/**
 * Runs the route that a client's message selects. Messages of one connection run concurrently and
 * may finish in any order, as in AWS.
 */
export function receiveMessage(core: Core, connection: Connection, data: Buffer): void {
  const { clock, meters, tasks } = core;
  connection.lastActiveAtMs = clock.now();
  connection.lastReceivedAtMs = clock.now();
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
  const { api, clock, connections, faults, invoker, log, meters, random, selectRoute } = core;
  const { connectionId } = connection;
  const route = selectRoute(body);
  const event = messageEvent(api, connection, route, body, clock.now());
  const call = { route, connectionId, event, random };

  if (faults.cut?.(call, 'invoke')) connections.cut(connection);
  const outcome = await invoker.run(call);
  const response = routeResponse(route, outcome, connectionId, event.requestContext.requestId);
  if (response === '' || faults.dropRouteResponse?.(call)) return;
  const pause = waitFor(faults.delayRouteResponse?.(call), clock);
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
 * The text to send; '' for none. Only `$default` has a route response, but failures are sent on all
 * routes. AWS does not document bodies with a status of 400 or more, or larger than 32 KB. Here the
 * first is not sent and the second is a failure of the function, so that no code relies on either.
 */
function routeResponse(route: Route, outcome: Outcome, connectionId: string, requestId: string): string {
  if (outcome.kind === 'timedOut') return errorBody('Endpoint request timed out', connectionId, requestId);
  if (outcome.kind === 'result') {
    const { statusCode, body = '' } = outcome.result;
    if (statusCode >= 400 || route !== '$default') return '';
    if (Buffer.byteLength(body) <= maxFrameBytes) return body;
  }
  return errorBody('Internal server error', connectionId, requestId);
}
