import { publishPacket, subscribe } from '../client.ts';
import { packetsOf } from '../probe.ts';
import type { Measurement } from './subject.ts';

const topic = 'doctor/measure';

/** How long an answer takes, and in which order the two ways to a client arrive. */
export const times: readonly Measurement[] = [
  {
    name: 'roundTripMs',
    question: 'How long does a frame take through API Gateway, Lambda and back, without any other call?',
    async run(subject) {
      const probe = await subject.connect('round-trip');
      const samples: number[] = [];
      for (let count = 0; count < 50; count += 1) {
        const startedAtMs = performance.now();
        probe.sendText('.');
        samples.push((await probe.next('reply')).atMs - startedAtMs);
      }
      return distribution(samples);
    },
  },
  {
    name: 'replyAndPush',
    question: 'A frame causes a post and a route response: how long do they take, and which comes first?',
    async run(subject) {
      const probe = await subject.connect('echo');
      await subscribe(probe, [topic], 0);
      const replies: number[] = [];
      const pushes: number[] = [];
      for (let count = 0; count < 30; count += 1) {
        const startedAtMs = performance.now();
        await probe.request(publishPacket(topic, Buffer.from(`${count}`), 0));
        replies.push(performance.now() - startedAtMs);
        const push = await probe.next('push');
        packetsOf(push);
        pushes.push(push.atMs - startedAtMs);
      }
      const pushFirst = pushes.filter((ms, index) => ms < (replies[index] ?? 0)).length;
      return {
        replyMs: distribution(replies),
        pushMs: distribution(pushes),
        pushFirst,
        of: pushes.length,
      };
    },
  },
  {
    name: 'orderOfPosts',
    question: 'Do posts that are awaited one by one arrive in order?',
    async run(subject) {
      const probe = await subject.connect('order');
      const posts = 50;
      const samples: number[] = [];
      for (let count = 0; count < posts; count += 1) {
        const startedAtMs = performance.now();
        // Base64 of the number, so that the text is a push of the wire profile.
        await subject.manage('order', 'POST', Buffer.from(String(count).padStart(3, '0')).toString('base64'));
        samples.push(performance.now() - startedAtMs);
      }
      const numbers: number[] = [];
      for (let count = 0; count < posts; count += 1)
        numbers.push(Number(Buffer.from((await probe.next('push')).text, 'base64').toString()));
      const inversions = numbers.filter((number, index) => number < (numbers[index - 1] ?? 0)).length;
      // Each includes the look-up of the connection id by the admin API.
      return { posts, inversions, lookUpAndPostMs: distribution(samples) };
    },
  },
];

function distribution(samples: readonly number[]): object {
  const sorted = samples.toSorted((one, other) => one - other);
  const at = (share: number): number =>
    Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10;
  return { samples: sorted.length, min: at(0), p50: at(0.5), p90: at(0.9), max: at(1) };
}
