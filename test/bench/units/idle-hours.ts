import { openRaw } from '../../support/raw-client.ts';
import type { TestService } from '../../support/service.ts';
import { perOne, startBilledService, type Units } from '../billed-service.ts';
import { createJumpingClock } from '../jumping-clock.ts';
import { connectPacket } from '../metered.ts';
import { unlimitedQuotas } from '../unlimited.ts';

/** Maximum duration of an API Gateway WebSocket connection. */
export const connectionHours = 2;
const hourMs = 3_600_000;

/** Ends a connection and waits until its `$disconnect` has run. */
export async function disconnected(service: TestService, end: () => Promise<unknown>): Promise<void> {
  const billedMs = (): number => service.gateway.meters.billedMs.$disconnect;
  const before = billedMs();
  await end();
  while (billedMs() === before) await new Promise(setImmediate);
}

/**
 * Measures one connection from its handshake until API Gateway closes it after two hours, with one
 * PINGREQ per keep-alive interval, on a clock that jumps from one event to the next.
 * @returns units per hour, including handshake and CONNECT.
 */
export async function measureIdleHour(keepAliveSeconds: number, callMs: number): Promise<Units> {
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  try {
    const { service } = billed;
    const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
    const day = { exp: Math.floor(clock.now() / 1000) + 86_400 };
    // Loads the tenant's keys into the cache, as for all but the first connection of a tenant.
    const other = await openRaw(service.url);
    await other.send(await connectPacket(mint, 'other', { password: Buffer.from(await mint(day)) }));
    // The clock must not jump while a function runs, because the time would be billed.
    await disconnected(service, () => other.close());
    billed.setCallMs(callMs);
    const units = await billed.measure(async () => {
      const client = await openRaw(service.url);
      const changes = { keepalive: keepAliveSeconds, password: Buffer.from(await mint(day)) };
      await client.send(await connectPacket(mint, 'idle', changes));
      const settle = () => service.queues.idle();
      const endsAtMs = clock.now() + connectionHours * hourMs;
      while (clock.now() + keepAliveSeconds * 1000 < endsAtMs) {
        await clock.jump(keepAliveSeconds * 1000, settle);
        await client.send({ cmd: 'pingreq' });
      }
      await disconnected(service, () => clock.jump(endsAtMs - clock.now(), settle));
    });
    return perOne(units, connectionHours);
  } finally {
    await billed.close();
  }
}
