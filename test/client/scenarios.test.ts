import { describe, expect, it } from 'vitest';
import { type AdapterOptions, WispWebSocket } from '../../lib/client/index.ts';
import { bytesOf, hexOf, type Step, textOf, vectors } from '../wire/vectors.ts';
import { FakeSocket, FakeTimers, turn } from './fake-socket.ts';

/** Plays the steps of one scenario of docs/wire-vectors.json against the adapter. */
function player(acknowledge: AdapterOptions['acknowledge'] = 'always') {
  const timers = new FakeTimers();
  const adapter = new WispWebSocket('wss://example.com/mqtt', 'mqtt', {
    WebSocket: FakeSocket,
    timers,
    acknowledge,
  });
  const socket = FakeSocket.last;
  if (!socket) throw new Error('no socket made');
  adapter.binaryType = 'arraybuffer';
  let sent = 0;
  let handed: (string | undefined)[] = [];
  let closedWith: number | undefined;
  adapter.onmessage = ({ data }) => handed.push(hexOf(new Uint8Array(data as ArrayBuffer)));
  adapter.onclose = ({ code }) => {
    closedWith = code;
  };

  const actions = {
    open: () => socket.onopen?.({}),
    write: (bytes) => adapter.send(bytesOf(bytes)),
    receive: (text) => socket.onmessage?.({ data: textOf(text) }),
    receiveBinary: (bytes) => socket.onmessage?.({ data: bytesOf(bytes).buffer }),
    advanceMs: (ms) => timers.advance(ms),
    close: () => adapter.close(),
    socketCloses: (code) => socket.onclose?.({ code, reason: '', wasClean: true }),
    sends: (texts) => {
      expect(socket.sent.slice(sent).map(shorten)).toEqual(texts.map(textOf).map(shorten));
      sent = socket.sent.length;
    },
    hands: (messages) => {
      expect(handed).toEqual(messages.map((bytes) => hexOf(bytesOf(bytes))));
      handed = [];
    },
    closedWith: (code) => {
      expect(closedWith).toBe(code);
      expect(adapter.readyState).toBe(adapter.CLOSED);
      expect(timers.pending).toBe(0);
    },
    socketClosedWith: (code) => expect(socket.closedWith).toBe(code),
    bufferedBytes: (bytes) => expect(adapter.bufferedAmount).toBe(bytes),
    repeat: async ({ times, steps }) => {
      for (let time = 0; time < times; time++) for (const step of steps) await play(step);
    },
  } satisfies { [Name in keyof Required<Step>]: (value: NonNullable<Step[Name]>) => unknown };

  async function play(step: Step): Promise<void> {
    const [[name, value]] = Object.entries(step) as [[keyof Step, never]];
    await actions[name](value);
    await turn();
  }
  return play;
}

function shorten(text: string): string {
  return text.length < 200 ? text : `${text.slice(0, 60)}… ${hexOf(new TextEncoder().encode(text))}`;
}

describe('the adapter, in the scenarios of the specification', () => {
  it.each(vectors.scenarios)('$name', async ({ acknowledge, steps }) => {
    expect.hasAssertions();
    const play = player(acknowledge);
    for (const step of steps) await play(step);
  });
});
