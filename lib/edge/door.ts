import { WebSocket } from 'ws';
import { connectionIdIn, doorHeartbeat, doorHello } from '../wire/back-door.ts';

/** Signs a handshake with AWS Signature Version 4; lib/aws/signer.ts. */
export type SignHandshake = (request: {
  readonly method: string;
  readonly url: URL;
  readonly date: Date;
}) => Promise<Record<string, string>>;

/** Timers by a clock that does not jump. Tests advance it. */
export interface Time {
  /** In ms, from any start. */
  now(): number;
  /** @returns a function that cancels the callback. */
  schedule(callback: () => void, delayMs: number): () => void;
}

export interface DoorOptions {
  /** WebSocket URL of the stage. */
  readonly url: string;
  readonly sign: SignHandshake;
  readonly time: Time;
  readonly nowMs: () => number;
  /** Takes a message of those that post to the connection; undefined: it was no text. */
  readonly onMessage: (text: string | undefined) => void;
  /** It has closed, or does not answer. Called once, and not before {@link openDoor} resolves. */
  readonly onClose: () => void;
}

/** One WebSocket connection to the API of back doors. */
export interface Door {
  /** Its connection id at API Gateway. */
  readonly id: string;
  close(): void;
}

/** Time for the handshake, and for each answer, in milliseconds. */
const maxAnswerMs = 10_000;
/**
 * Silence after which a heartbeat asks whether the connection still works, in milliseconds. API
 * Gateway would close it after 600 s.
 */
const heartbeatAfterMs = 60_000;
/** A message of API Gateway. */
const maxMessageBytes = 131_072;

/** @throws Error when the handshake is refused or there is no answer in time. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { url, sign, time, nowMs, onMessage, onClose } = options;
  const headers = await sign({ method: 'GET', url: new URL(url), date: new Date(nowMs()) });
  const socket = new WebSocket(url, {
    headers,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  let id: string | undefined;
  let isClosed = false;
  let cancelWatch = time.schedule(() => socket.terminate(), maxAnswerMs);

  function watch(delayMs: number, then: () => void): void {
    cancelWatch();
    cancelWatch = time.schedule(then, delayMs);
  }
  /** Any message shows that the connection works. */
  function awaitHeartbeat(): void {
    watch(heartbeatAfterMs, () => {
      socket.send(doorHeartbeat);
      watch(maxAnswerMs, () => socket.terminate());
    });
  }

  await new Promise<void>((resolve, reject) => {
    socket.on('open', () => socket.send(doorHello));
    socket.on('error', reject);
    socket.on('close', () => {
      isClosed = true;
      cancelWatch();
      if (id === undefined) reject(new Error('the back door has closed before it had an id'));
      else onClose();
    });
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? undefined : String(data);
      awaitHeartbeat();
      if (id !== undefined) {
        if (text !== doorHeartbeat) onMessage(text);
        return;
      }
      id = text === undefined ? undefined : connectionIdIn(text);
      if (id !== undefined) resolve();
    });
  }).catch((error: unknown) => {
    cancelWatch();
    socket.terminate();
    throw error;
  });
  if (isClosed || id === undefined) throw new Error('the back door has closed at once');
  return { id, close: () => socket.close() };
}
