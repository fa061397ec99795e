import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Will } from '../../../lib/core/model.ts';
import { meetAt, type World } from '../world.ts';
import { everyByte, fullMessage, keyOf, messageOf, newAddress, plain } from './samples.ts';

const never = 0xffff_ffff;

/** Table Sessions: Wills. */
export function willsContract(name: string, open: () => Promise<World>): void {
  describe(`Wills: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const newKey = () => keyOf(world.tenant());

    const willOf = (changes: Partial<Will> = {}): Will => ({
      message: messageOf({ payload: everyByte }),
      delaySeconds: 0,
      ...changes,
    });

    test('reads back what was put', async () => {
      const { wills } = world.process();
      const key = newKey();
      expect(await wills.list(key)).toEqual([]);
      const { expiresAtMs: _, ...message } = fullMessage({ payload: new Uint8Array(65_535).fill(9) });
      for (const will of [willOf(), willOf({ delaySeconds: 5, messageExpirySeconds: never, message })]) {
        const address = newAddress();
        await wills.put(key, address, 'g', will);
        expect(plain(await wills.get(key, address))).toEqual(will);
        expect(plain(await wills.list(key))).toContainEqual({ will, address, generation: 'g' });
      }
    });

    test('is taken once, and only what that connection left', async () => {
      const { wills } = world.process(meetAt('DeleteItem', 2));
      const key = newKey();
      const [address, later] = [newAddress(), newAddress()];
      await wills.put(key, address, 'g', willOf());
      const taken = await Promise.all([wills.take(key, address), wills.take(key, address)]);
      expect(taken.toSorted()).toEqual([false, true]);
      await wills.put(key, later, 'g', willOf());
      const other = await Promise.all([wills.take(key, address), wills.take(key, newAddress())]);
      expect(other).toEqual([false, false]);
      expect((await wills.list(key)).map((left) => left.address)).toEqual([later]);
    });
  });
}
