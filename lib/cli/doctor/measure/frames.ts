import { type Arrival, openProbe } from '../probe.ts';
import type { Measurement, Subject } from './subject.ts';

/** How long a frame may go unanswered before that counts as no answer. */
const silenceMs = 3_000;

/** Base64 of zeros, so that a post of any length is a push of the wire profile. */
const textOf = (bytes: number): string => 'A'.repeat(bytes);

/** What API Gateway does with frames and posts that are unusual. */
export const frames: readonly Measurement[] = [
  {
    name: 'oddFrames',
    question: 'What answers an empty text, white space, JSON without a route, and a binary frame?',
    async run(subject) {
      return {
        empty: await answerTo(subject, 'empty', ''),
        space: await answerTo(subject, 'space', ' '),
        emptyObject: await answerTo(subject, 'object', '{}'),
        unknownRoute: await answerTo(subject, 'route', '{"action":"there-is-no-such-route"}'),
        binary: await answerTo(subject, 'binary', Buffer.from([0])),
      };
    },
  },
  {
    name: 'largeFrames',
    question: 'Which frames are too large, and with which code does the connection end?',
    async run(subject) {
      const sizes = [32_768, 32_769, 131_073];
      const answers = [];
      for (const bytes of sizes)
        answers.push({ bytes, ...(await answerTo(subject, `large-${bytes}`, textOf(bytes))) });
      return { answers };
    },
  },
  {
    name: 'largePosts',
    question: 'Which posts above 32 KB arrive, and as how many messages?',
    async run(subject) {
      const probe = await subject.connect('large-posts');
      const answers = [];
      for (const bytes of [32_768, 32_769, 65_536, 131_072, 131_073]) {
        const { status } = await subject.manage('large-posts', 'POST', textOf(bytes));
        await probe.closed(500);
        answers.push({ bytes, status, messages: probe.arrived().map(({ text }) => text.length) });
      }
      return { answers };
    },
  },
  {
    name: 'compression',
    question: 'Does API Gateway agree to permessage-deflate?',
    async run({ url }) {
      const probe = await openProbe(url, { compress: true });
      probe.close();
      return { extensions: probe.extensions };
    },
  },
  {
    name: 'throttledFrames',
    question: 'What does a client see whose frames come faster than the route admits?',
    async run(subject) {
      const probe = await subject.connect('throttled');
      const sent = 2_000;
      for (let count = 0; count < sent; count += 1) probe.sendText('.');
      const close = await probe.closed(10_000);
      const arrived = probe.arrived();
      const texts = new Map<string, number>();
      for (const { kind, text } of arrived)
        if (kind !== 'reply') texts.set(withoutIds(text), (texts.get(withoutIds(text)) ?? 0) + 1);
      return {
        sent,
        replies: arrived.filter(({ kind }) => kind === 'reply').length,
        others: Object.fromEntries(texts),
        ...(close === undefined ? {} : { close }),
      };
    },
  },
];

async function answerTo(subject: Subject, clientId: string, frame: string | Buffer): Promise<object> {
  const probe = await subject.connect(clientId);
  if (typeof frame === 'string') probe.sendText(frame);
  else probe.sendBinary(frame);
  const close = await probe.closed(silenceMs);
  const texts = probe.arrived().map(({ text }: Arrival) => withoutIds(text.slice(0, 300)));
  return { texts, ...(close === undefined ? {} : { close }) };
}

/** Ids of connections and requests are nobody else's business. */
function withoutIds(text: string): string {
  return text.replace(/("(?:connectionId|requestId)":\s*")[^"]*"/g, '$1…"');
}
