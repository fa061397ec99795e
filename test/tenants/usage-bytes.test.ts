import { expect, test } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { useSuite } from '../broker/suite.ts';

const clock = createManualClock(Date.UTC(2026, 0, 1, 6));
const suite = useSuite({ clock });

test('bytes in and out are those of topic and payload, whatever carries them', async () => {
  const subscriber = await suite.connect({ clientId: 'subscriber' });
  await subscriber.send(subscribe(1, { topic: 'hello/world', qos: 0 }));
  const publisher = await suite.connect({ clientId: 'publisher' });
  const totals = async () => {
    await clock.advance(11_000);
    await suite.service.service.flush();
    const hours = await suite.service.stores.usageStore.report(vouchedTenantId('acme'), '2000', '9999');
    return hours.reduce(
      (sum, { counts: { bytesIn, bytesOut } }) => ({ in: sum.in + bytesIn, out: sum.out + bytesOut }),
      { in: 0, out: 0 },
    );
  };
  const before = await totals();
  await publisher.send(publish('hello/world', 'hi'));
  await subscriber.settle();
  const after = await totals();
  expect({ in: after.in - before.in, out: after.out - before.out }).toEqual({ in: 13, out: 13 });
});
