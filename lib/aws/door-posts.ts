import { type DoorItem, encodeDoorMessages } from '../wire/back-door.ts';

export type PostOutcome = 'sent' | 'gone' | 'failed';
export type DoorAction = { readonly text: string } | { readonly close: true } | { readonly reread: true };

/** What channels of other edges get, gathered into few messages to their back doors. */
export interface DoorPosts {
  /** Resolves with the outcome of the message that holds it. */
  add(edge: string, channel: number, action: DoorAction): Promise<PostOutcome>;
}

interface Waiting {
  readonly channel: number;
  readonly action: DoorAction;
  resolve(outcome: PostOutcome): void;
}

interface Door {
  waiting: Waiting[];
  sending: number;
  isDue: boolean;
}

/**
 * Messages to one back door at a time that this process sends concurrently. Further posts gather
 * meanwhile. Callers await the outcome before they post again to the same channel, so its order
 * holds.
 */
const maxConcurrentSends = 2;

/**
 * Gathers the posts of one tick, and those that come while earlier ones are sent: the same text for
 * many channels is one item.
 *
 * @param send sends one message to the back door of an edge; never rejects.
 */
export function createDoorPosts(send: (edge: string, text: string) => Promise<PostOutcome>): DoorPosts {
  const doors = new Map<string, Door>();

  function flushSoon(edge: string, door: Door): void {
    if (door.isDue || door.sending >= maxConcurrentSends) return;
    door.isDue = true;
    setImmediate(() => {
      door.isDue = false;
      void flush(edge, door);
    });
  }

  async function flush(edge: string, door: Door): Promise<void> {
    const { waiting } = door;
    door.waiting = [];
    door.sending += 1;
    await sendAll(edge, waiting);
    door.sending -= 1;
    if (door.waiting.length > 0) flushSoon(edge, door);
    else if (door.sending === 0 && !door.isDue) doors.delete(edge);
  }

  async function sendAll(edge: string, waiting: readonly Waiting[]): Promise<void> {
    const groups = grouped(waiting);
    const messages = encodeDoorMessages(groups.map(itemOf));
    // Items come back in order, and so do their channels.
    const inOrder = groups.flat();
    let taken = 0;
    await Promise.all(
      messages.map(async ({ text, items }) => {
        const count = items.reduce((sum, { to }) => sum + to.length, 0);
        const held = inOrder.slice(taken, taken + count);
        taken += count;
        const outcome = await send(edge, text);
        for (const { resolve } of held) resolve(outcome);
      }),
    );
  }

  return {
    add: (edge, channel, action) =>
      new Promise((resolve) => {
        const door = doors.get(edge) ?? { waiting: [], sending: 0, isDue: false };
        doors.set(edge, door);
        door.waiting.push({ channel, action, resolve });
        flushSoon(edge, door);
      }),
  };
}

/** Posts by what they say, in the order in which they came; closes last. */
function grouped(waiting: readonly Waiting[]): Waiting[][] {
  const byText = new Map<string, Waiting[]>();
  const closes: Waiting[] = [];
  const rereads: Waiting[] = [];
  for (const one of waiting) {
    if (!('text' in one.action)) {
      ('close' in one.action ? closes : rereads).push(one);
      continue;
    }
    const group = byText.get(one.action.text);
    if (group === undefined) byText.set(one.action.text, [one]);
    else group.push(one);
  }
  return [...byText.values(), rereads, closes].filter((group) => group.length > 0);
}

function itemOf(group: readonly Waiting[]): DoorItem {
  const to = group.map(({ channel }) => channel);
  const [{ action } = { action: { close: true } as const }] = group;
  return { to, ...action };
}
