import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';

/** Schedules what has to be looked at later in the life of a connection: its keep-alive and its token's expiry. */
export async function scheduleConnectionTimers(context: Context, connection: Connection): Promise<void> {
  const { address, keepAliveSeconds, tokenExpiresAtSeconds, connectedAtMs } = connection;
  await Promise.all([
    keepAliveSeconds === 0
      ? undefined
      : context.timers.schedule({ kind: 'keep-alive', address }, connectedAtMs + graceMs(keepAliveSeconds)),
    tokenExpiresAtSeconds === undefined
      ? undefined
      : context.timers.schedule({ kind: 'token-expiry', address }, tokenExpiresAtSeconds * 1000),
  ]);
}

/** One and a half times the keep-alive [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3], in milliseconds. */
export function graceMs(keepAliveSeconds: number): number {
  return keepAliveSeconds * 1500;
}
