/**
 * Messages to the back door of an edge: which of its channels get which text message of the wire
 * profile, are closed, or have a row that has changed.
 */

/** What channels get. The order of items matters for channels that are in several. */
export type DoorItem =
  | { readonly to: readonly number[]; readonly text: string }
  | { readonly to: readonly number[]; readonly close: true }
  /** The row of the connection is to be read again. */
  | { readonly to: readonly number[]; readonly reread: true };

/** One message to a back door, and what it holds. */
export interface DoorMessage {
  readonly text: string;
  readonly items: readonly DoorItem[];
}

/** Bytes of a message to a back door: API Gateway bills each 32 KB. */
export const maxDoorMessageBytes = 32_768;
/** Characters of a text for a channel: a chunk with its header has 32,014. */
const maxDoorTextLength = 32_100;
/** Channels in all items of a message. */
export const maxDoorChannels = 4_096;

const head = '{"v":1,"items":[';
const tail = ']}';

/**
 * Packs items into as few messages as fit, in order; channels of one item may be split. All texts
 * are ASCII, as those of the wire profile are, so characters are bytes.
 */
export function encodeDoorMessages(items: readonly DoorItem[]): DoorMessage[] {
  const messages: DoorMessage[] = [];
  let packed: string[] = [];
  let held: DoorItem[] = [];
  let length = head.length + tail.length;
  let channels = 0;

  function flush(): void {
    if (held.length > 0) messages.push({ text: head + packed.join(',') + tail, items: held });
    packed = [];
    held = [];
    length = head.length + tail.length;
    channels = 0;
  }

  for (const item of items) {
    const { to: _, ...action } = item;
    const rest = `],${JSON.stringify(action).slice(1)}`;
    let taken: number[] = [];
    let list = '';
    const take = (): void => {
      if (taken.length === 0) return;
      packed.push(`{"to":[${list}${rest}`);
      length += packed[packed.length - 1]?.length ?? 0;
      length += 1;
      held.push({ ...item, to: taken });
      taken = [];
      list = '';
    };
    for (const channel of item.to) {
      const isFull = (): boolean =>
        channels === maxDoorChannels ||
        length + 8 + list.length + rest.length + `${channel}`.length > maxDoorMessageBytes;
      if (isFull()) {
        take();
        flush();
      }
      list += list === '' ? `${channel}` : `,${channel}`;
      taken.push(channel);
      channels += 1;
    }
    take();
  }
  flush();
  return messages;
}

/**
 * Reads a message that came through a back door. Unknown members are ignored.
 * @returns undefined where it is not such a message or is beyond its bounds: nothing of it counts.
 */
export function decodeDoorMessage(text: string): DoorItem[] | undefined {
  if (text.length > maxDoorMessageBytes) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { v, items } = membersOf(message);
  if (v !== 1 || !Array.isArray(items)) return undefined;
  let channels = 0;
  const decoded: DoorItem[] = [];
  for (const item of items) {
    const { to, text: pushed, close, reread } = membersOf(item);
    if (!Array.isArray(to) || to.length === 0 || !to.every(isChannelNumber)) return undefined;
    channels += to.length;
    if (channels > maxDoorChannels) return undefined;
    if ([pushed, close, reread].filter((action) => action !== undefined).length !== 1) return undefined;
    if (close === true) decoded.push({ to, close });
    else if (reread === true) decoded.push({ to, reread });
    else if (isPushed(pushed)) decoded.push({ to, text: pushed });
    else return undefined;
  }
  return decoded;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isChannelNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPushed(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxDoorTextLength;
}

/** What an edge sends first, to learn its connection id. */
export const doorHello = 'hello';
/** What it sends so that API Gateway does not close an idle connection; the answer is the same. */
export const doorHeartbeat = '.';

/** The answer to a text of an edge process; empty: none. */
export function answerToDoor(text: string, connectionId: string): string {
  if (text === doorHello) return JSON.stringify({ connectionId });
  return text === doorHeartbeat ? doorHeartbeat : '';
}

/** Reads the answer to {@link doorHello}; undefined: it is another text. */
export function connectionIdIn(text: string): string | undefined {
  const [, connectionId] = /^\{"connectionId":"([\w-]{1,128}=*)"\}$/.exec(text) ?? [];
  return connectionId;
}
