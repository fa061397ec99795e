import { openRaw } from '../../support/raw-client.ts';
import { perOne, startBilledService, type Units } from '../billed-service.ts';
import { createJumpingClock } from '../jumping-clock.ts';
import { connectPacket } from '../metered.ts';

/** How long API Gateway lets a connection live. */
export const connectionHours = 2;
const hourMs = 3_600_000;

/**
 * One connection from its handshake until API Gateway ends it after two hours, with a PINGREQ whenever its keep-alive is
 * due, on a clock that jumps from one event to the next. @returns units of one hour, handshake and CONNECT included.
 */
export async function measureIdleHour(keepAliveSeconds: number, callMs: number): Promise<Units> {
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  try {
    const { service } = billed;
    const mint = await service.tenant('bench');
    const day = { exp: Math.floor(clock.now() / 1000) + 86_400 };
    // The keys of the tenant are in the function's memory then, as they are for all but its first connection.
    const other = await openRaw(service.url);
    await other.send(await connectPacket(mint, 'other', { password: Buffer.from(await mint(day)) }));
    await other.close();
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
      await clock.jump(endsAtMs - clock.now() + 1_000, settle);
      await client.closed;
      while (service.gateway.meters.invocations.$disconnect < 2) await new Promise(setImmediate);
      await settle();
    });
    return perOne(units, connectionHours);
  } finally {
    await billed.close();
  }
}
