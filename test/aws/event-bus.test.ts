import { describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/auth/index.ts';
import { createEventBus, EventRefusedError } from '../../lib/aws/event-bus.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import type { LifecycleEvent } from '../../lib/core/model.ts';
import { createRequestHandler, inputOf, jsonResponse, operationOf } from '../../lib/local/aws-json.ts';

const connected: LifecycleEvent = {
  event: 'connected',
  tenant: vouchedTenantId('acme'),
  clientId: 'a/b',
  sequence: 7,
  connectedAtMs: Date.UTC(2026, 0, 1, 0, 0, 5),
  protocolVersion: '5.0',
  sessionPresent: false,
};
const disconnected: LifecycleEvent = {
  event: 'disconnected',
  tenant: connected.tenant,
  clientId: 'a/b',
  sequence: 7,
  disconnectedAtMs: Date.UTC(2026, 0, 1, 0, 0, 9),
  reason: 'connection-lost',
  initiator: 'network',
};

/** The part of EventBridge that is called. */
function bridge(answer: () => ReturnType<typeof jsonResponse>) {
  const asked: { operation: string; input: unknown }[] = [];
  const requestHandler = createRequestHandler(async (request) => {
    asked.push({ operation: operationOf(request), input: inputOf(request) });
    return answer();
  });
  const events = createEventBus('devices', {
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler,
  });
  return { asked, events };
}

describe('lifecycle events on EventBridge', () => {
  it('have a source, a type for each kind, their time, and the event as detail', async () => {
    const { asked, events } = bridge(() =>
      jsonResponse(200, { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] }),
    );
    await events.put(connected);
    await events.put(disconnected);
    const entry = (event: LifecycleEvent, type: string, time: string) => ({
      operation: 'PutEvents',
      input: {
        Entries: [
          {
            EventBusName: 'devices',
            Source: 'wisp',
            DetailType: type,
            Time: Date.parse(time) / 1000,
            Detail: JSON.stringify(event),
          },
        ],
      },
    });
    expect(asked).toEqual([
      entry(connected, 'Wisp Client Connected', '2026-01-01T00:00:05Z'),
      entry(disconnected, 'Wisp Client Disconnected', '2026-01-01T00:00:09Z'),
    ]);
  });

  it('that EventBridge takes and then refuses are told as lost', async () => {
    const { events } = bridge(() =>
      jsonResponse(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] }),
    );
    await expect(events.put(connected)).rejects.toBeInstanceOf(EventRefusedError);
  });

  it('are tried twice', async () => {
    const { asked, events } = bridge(() => jsonResponse(500, { __type: 'InternalException' }));
    await expect(events.put(connected)).rejects.toMatchObject({ name: 'InternalException' });
    expect(asked).toHaveLength(2);
  });
});
