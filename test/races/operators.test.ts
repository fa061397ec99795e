import { describe, expect, it } from 'vitest';
import { endTrace, traceClient } from '../../lib/admin/trace.ts';
import type { Context } from '../../lib/core/context.ts';
import { banClient, bannedBy } from '../../lib/sessions/bans.ts';
import type { Client } from './client.ts';
import { Crash, randomly } from './scheduler.ts';
import { World } from './world.ts';

const hourSeconds = 3_600;
/** A banned client is looked at a second time after 35 seconds. */
const secondLookMs = 36_000;

/** A world whose only client is connected, and does not connect again by itself. */
async function worldOf(): Promise<{ readonly world: World; readonly client: Client }> {
  const world = new World();
  const client = world.client({ id: 'rogue' });
  await world.settle();
  client.online = false;
  return { world, client };
}

/** Runs an operator's request to its end, or to its crash before the call of this number. */
async function request(
  world: World,
  name: string,
  work: (context: Context) => Promise<unknown>,
  crashAt?: number,
): Promise<'done' | 'crashed'> {
  if (crashAt !== undefined)
    world.faults = { crash: { handler: `${name}#${world.handlers + 1}`, call: crashAt } };
  const done = world.call(name, work).then(
    () => 'done' as const,
    (error: unknown) => {
      if (error instanceof Crash) return 'crashed' as const;
      throw error;
    },
  );
  await world.settle();
  world.faults = {};
  return done;
}

const keyOf = ({ tenant }: World) => ({ tenant, clientId: 'rogue' });
const ban =
  (world: World, seconds = hourSeconds) =>
  (context: Context) =>
    banClient(context, keyOf(world), { by: 'operator', seconds });
const unban = (world: World) => (context: Context) => context.bans.end(keyOf(world));

async function isBanned(world: World): Promise<boolean> {
  let banned = false;
  await request(world, 'looks', async (context) => {
    banned = (await bannedBy(context, keyOf(world))) !== undefined;
  });
  return banned;
}

/**
 * Whether the client is served. A crash may leave its socket open without a row: then its next
 * frame ends it.
 */
async function isServed(world: World, client: Client): Promise<boolean> {
  if (!client.connected) return false;
  client.subscribe('a', 0);
  await world.settle();
  world.violations.length = 0;
  return client.connected;
}

/** Whether the client is served after a further CONNECT, if it needs one. */
async function mayConnect(world: World, client: Client): Promise<boolean> {
  if (await isServed(world, client)) return true;
  client.connect();
  await world.settle();
  return isServed(world, client);
}

/** Runs `check` with a crash before each call of a request, until it makes no such call. */
async function atEachCall(check: (call: number) => Promise<'done' | 'crashed'>): Promise<void> {
  let call = 0;
  while ((await check(call)) === 'crashed') call += 1;
  expect(call).toBeGreaterThan(1);
}

describe('a ban whose request dies at any call', () => {
  it('is in force on the connection and on the next CONNECT, or does not exist', async () => {
    await atEachCall(async (call) => {
      const { world, client } = await worldOf();
      const outcome = await request(world, 'ban', ban(world), call);
      world.advance(secondLookMs);
      await world.settle();
      const banned = await isBanned(world);
      if (outcome === 'done') expect(banned).toBe(true);
      expect(await isServed(world, client), `before call ${call}`).toBe(!banned);
      expect(await mayConnect(world, client), `before call ${call}`).toBe(!banned);
      return outcome;
    });
  });

  it('can be ended at once, and made again', async () => {
    await atEachCall(async (call) => {
      const { world, client } = await worldOf();
      const outcome = await request(world, 'ban', ban(world), call);
      await request(world, 'unban', unban(world));
      expect(await mayConnect(world, client), `before call ${call}`).toBe(true);
      await request(world, 'ban', ban(world));
      world.advance(secondLookMs);
      await world.settle();
      expect(await isServed(world, client)).toBe(false);
      expect(await mayConnect(world, client)).toBe(false);
      return outcome;
    });
  });
});

it('two bans, and one and its end, in any order of their calls leave one whole ban or none', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    for (const other of ['shorter ban', 'unban'] as const) {
      const { world, client } = await worldOf();
      world.scheduler.chooser = randomly(seed);
      const both = Promise.all([
        world.call('ban', ban(world)),
        world.call<unknown>('other', other === 'unban' ? unban(world) : ban(world, 60)),
      ]);
      await world.scheduler.run();
      await both;
      world.advance(secondLookMs);
      await world.settle();
      expect(world.errors).toEqual([]);
      const banned = await isBanned(world);
      if (other === 'shorter ban') expect(banned).toBe(true);
      expect(await mayConnect(world, client), `${other}, seed ${seed}`).toBe(!banned);
    }
  }
});

describe('the flag of a trace, of which a request writes one copy', () => {
  const body = new TextEncoder().encode('{"seconds":300}');
  const callOf = (world: World, context: Context) => ({
    context: { ...context, tenantAdmin: { show: async () => ({}) } } as never,
    request: {
      method: 'PUT',
      path: '',
      query: new URLSearchParams({ clientId: 'rogue' }),
      headers: { 'content-type': 'application/json' },
      body,
    },
    path: { tenant: world.tenant },
  });
  const start = (world: World) => (context: Context) => traceClient(callOf(world, context));
  const end = (world: World) => (context: Context) => endTrace(callOf(world, context));
  const flags = (world: World) => ({
    session: world.db.rows('sessions').some(({ traceUntil }) => traceUntil !== undefined),
    connection: world.db.rows('connections').some(({ traceUntil }) => traceUntil !== undefined),
  });

  it('is in the session first, so that the next CONNECT or a second request completes it', async () => {
    await atEachCall(async (call) => {
      const { world, client } = await worldOf();
      const outcome = await request(world, 'trace', start(world), call);
      const { session, connection } = flags(world);
      if (connection) expect(session).toBe(true);
      if (session) {
        client.connect();
        await world.settle();
        expect(flags(world), `before call ${call}`).toEqual({ session: true, connection: true });
      }
      await request(world, 'trace', start(world));
      expect(flags(world)).toEqual({ session: true, connection: true });
      return outcome;
    });
  });

  it('is gone when its end is repeated, or with the connection', async () => {
    await atEachCall(async (call) => {
      const { world, client } = await worldOf();
      await request(world, 'trace', start(world));
      const outcome = await request(world, 'end', end(world), call);
      if (outcome === 'crashed' && call % 2 === 0) await request(world, 'end', end(world));
      else if (!flags(world).session) {
        client.connect();
        await world.settle();
      } else return outcome;
      expect(flags(world), `before call ${call}`).toEqual({ session: false, connection: false });
      return outcome;
    });
  });
});
