import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from '../probe.ts';
import type { Measurement, Subject } from './subject.ts';

const idleSeconds = 11 * 60;
const lifetimeSeconds = 122 * 60;

/** How connections end, and what keeps them from ending. */
export const ends: readonly Measurement[] = [
  {
    name: 'deleted',
    question: 'Which close code does a client see when its connection is deleted through @connections?',
    async run(subject) {
      const probe = await subject.connect('deleted');
      const { status } = await subject.manage('deleted', 'DELETE');
      return { status, close: (await probe.closed(30_000)) ?? 'none within 30 s' };
    },
  },
  {
    name: 'lastActive',
    question: 'What moves lastActiveAt of a connection: a frame, a post, a ping of the WebSocket protocol?',
    async run(subject) {
      const probe = await subject.connect('active');
      const frame = await moves(subject, async () => {
        probe.sendText('.');
        await probe.next('reply');
      });
      const post = await moves(subject, async () => {
        await subject.manage('active', 'POST', 'AAAA');
      });
      let pong = false;
      const ping = await moves(subject, async () => {
        pong = await probe.ping(2_000);
      });
      return { frame, post, ping, pong };
    },
  },
  {
    name: 'idle',
    question: 'After how long, and with which code, does an idle connection end? Do posts prevent it?',
    seconds: idleSeconds,
    async run(subject) {
      const [silent, posted] = await Promise.all([
        endOf(await subject.connect('silent'), idleSeconds),
        endOf(await subject.connect('posted'), idleSeconds, () => subject.manage('posted', 'POST', 'AAAA')),
      ]);
      return { silent, posted };
    },
  },
  {
    name: 'lifetime',
    question: 'After how long, and with which code, does a connection end that is never idle?',
    seconds: lifetimeSeconds,
    async run(subject) {
      const probe = await subject.connect('old');
      return await endOf(probe, lifetimeSeconds, async () => probe.sendText('.'));
    },
  },
];

/** Whether an act moves `lastActiveAt` of the client `active`. */
async function moves(subject: Subject, act: () => Promise<void>): Promise<boolean | string> {
  const before = await lastActiveAt(subject);
  if (before === undefined) return 'GetConnection does not tell';
  await sleep(1_100);
  await act();
  await sleep(1_100);
  return (await lastActiveAt(subject)) !== before;
}

async function lastActiveAt(subject: Subject): Promise<string | undefined> {
  const { status, body } = await subject.manage('active', 'GET');
  if (status !== 200) return undefined;
  const { lastActiveAt: at } = JSON.parse(body) as { readonly lastActiveAt?: string };
  return at;
}

/** @param act is done once a minute. */
async function endOf(probe: Probe, maxSeconds: number, act?: () => Promise<unknown>): Promise<object> {
  const startedAtMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAtMs) / 1_000);
  while (seconds() < maxSeconds) {
    const close = await probe.closed(60_000);
    if (close !== undefined) return { afterSeconds: seconds(), ...close };
    await act?.();
  }
  return { openAfterSeconds: seconds() };
}
