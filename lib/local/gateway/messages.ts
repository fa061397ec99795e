import type { Connection } from './connections.ts';
import type { Core } from './core.ts';
import { errorBody } from './error-body.ts';
import { messageEvent, type Route } from './events.ts';
import { wait } from './faults.ts';
import type { Outcome } from './invoker.ts';
import { maxConcurrentInvocations, maxFrameBytes } from './limits.ts';
import { meteredMessages } from './meters.ts';

/**
 * Runs the route that a message of a client selects. Messages of one connection run at once and may finish in any order:
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
  const { api, clock, connections, faults, invoker, log, meters, random, selectRoute } = core;
  const { connectionId } = connection;
  const route = selectRoute(body);
  const event = messageEvent(api, connection, route, body, clock.now());
  const call = { route, connectionId, event, random };

  if (faults.cut?.(call, 'invoke')) connections.cut(connection);
  const outcome = await invoker.run(call);
  const response = routeResponse(route, outcome, connectionId, event.requestContext.requestId);
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
 * The text to send, '' for none. `$default` alone has a route response; of failures clients hear on every route. AWS does not say what becomes of a body with a status from 400 on, or of one over
 * 32 KB: the first is not sent, the second counts as a failure of the function, so that neither is relied on.
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
