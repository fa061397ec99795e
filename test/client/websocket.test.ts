import { describe, expect, it, vi } from 'vitest';
import { type SocketEvent, subprotocol, WispWebSocket } from '../../lib/client/index.ts';
import { FakeSocket, FakeTimers, turn } from './fake-socket.ts';

const ping = new Uint8Array([0xc0, 0]);
const connackReply = '.IAIAAA==';

function connecting(options = {}) {
  const adapter = new WispWebSocket('wss://example.com/mqtt?token=t', ['mqtt'], {
    WebSocket: FakeSocket,
    timers: new FakeTimers(),
    ...options,
  });
  const socket = FakeSocket.last;
  if (!socket) throw new Error('no socket made');
  return { adapter, socket };
}

describe('WispWebSocket', () => {
  it('offers the subprotocol of the profile and reports that of the library', async () => {
    const { adapter, socket } = connecting();
    expect(socket.url).toBe('wss://example.com/mqtt?token=t');
    expect(socket.protocols).toEqual([subprotocol]);
    expect(socket.options).toBeUndefined();
    expect([adapter.protocol, adapter.readyState]).toEqual(['', adapter.CONNECTING]);
    socket.onopen?.({});
    expect([adapter.protocol, adapter.readyState]).toEqual(['mqtt', adapter.OPEN]);
  });

  it('passes headers to sockets that can send them', () => {
    const { socket } = connecting({ headers: { Authorization: 'Bearer t' } });
    expect(socket.options).toEqual({ headers: { Authorization: 'Bearer t' } });
  });

  it('has the constants of a WebSocket on class and object', () => {
    const { adapter } = connecting();
    const states = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
    expect(states.map((name) => WispWebSocket[name])).toEqual([0, 1, 2, 3]);
    expect(states.map((name) => adapter[name])).toEqual([0, 1, 2, 3]);
  });

  it('names the missing option in a runtime without WebSocket', () => {
    vi.stubGlobal('WebSocket', undefined);
    try {
      expect(() => new WispWebSocket('wss://example.com/mqtt')).toThrow(/WebSocket.*option/);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it.each([
    ['ArrayBuffer', ping.buffer],
    ['view in the middle of a buffer', new Uint8Array([9, 0xc0, 0, 9]).subarray(1, 3)],
    ['Buffer', Buffer.from([0xc0, 0])],
    ['DataView', new DataView(ping.buffer)],
  ])('sends an %s', async (_name, data) => {
    const { adapter, socket } = connecting();
    socket.onopen?.({});
    adapter.send(data);
    await turn();
    expect(socket.sent).toEqual(['wAA=']);
  });

  it('sends the bytes as they were when written', async () => {
    const { adapter, socket } = connecting();
    const data = ping.slice();
    adapter.send(data);
    data.fill(7);
    socket.onopen?.({});
    await turn();
    expect(socket.sent).toEqual(['wAA=']);
  });

  it('refuses text and close codes that are reserved', () => {
    const { adapter } = connecting();
    expect(() => adapter.send('text' as never)).toThrow(TypeError);
    expect(() => adapter.close(1001)).toThrow(RangeError);
    expect(adapter.readyState).toBe(adapter.CONNECTING);
  });

  it('delivers messages as binaryType says', async () => {
    const { adapter, socket } = connecting();
    const data: unknown[] = [];
    adapter.onmessage = (event) => data.push(event.data);
    socket.onopen?.({});
    adapter.send(ping);
    await turn();
    socket.onmessage?.({ data: connackReply });
    adapter.binaryType = 'arraybuffer';
    socket.onmessage?.({ data: 'wAA=' });
    expect(data[0]).toBeInstanceOf(Blob);
    expect(await (data[0] as Blob).arrayBuffer()).toEqual(new Uint8Array([0x20, 2, 0, 0]).buffer);
    expect(data[1]).toEqual(ping.buffer);
  });

  it('calls each handler and listener once, until it is removed', () => {
    const { adapter, socket } = connecting();
    const calls: string[] = [];
    const removed = () => calls.push('removed');
    const twice = () => calls.push('listener');
    adapter.onopen = ({ type, target }: SocketEvent) => calls.push(`on${type} ${target === adapter}`);
    adapter.addEventListener('open', twice);
    adapter.addEventListener('open', twice);
    adapter.addEventListener('open', removed);
    adapter.removeEventListener('open', removed);
    socket.onopen?.({});
    expect(calls).toEqual(['onopen true', 'listener']);
  });

  it('continues after a listener throws, and reports the error as uncaught', async () => {
    const { adapter, socket } = connecting();
    vi.useFakeTimers();
    try {
      const messages: unknown[] = [];
      adapter.addEventListener('message', () => {
        throw new Error('from the listener');
      });
      adapter.addEventListener('message', ({ data }) => messages.push(data));
      socket.onopen?.({});
      adapter.send(ping);
      await turn();
      socket.onmessage?.({ data: connackReply });
      adapter.send(ping);
      await turn();
      expect(messages).toHaveLength(1);
      expect(socket.sent).toHaveLength(2);
      expect(() => vi.runAllTimers()).toThrow('from the listener');
    } finally {
      vi.useRealTimers();
    }
  });

  it('reports error, then close, with the code and without content', async () => {
    const { adapter, socket } = connecting();
    const events: unknown[] = [];
    adapter.onerror = ({ type, message }) => events.push([type, message]);
    adapter.onclose = ({ type, code, reason, wasClean }) => events.push([type, code, reason, wasClean]);
    socket.onopen?.({});
    socket.onmessage?.({ data: '{"message": "Forbidden", "connectionId":"c", "requestId":"r"}' });
    await turn();
    expect(events).toEqual([
      ['error', 'Forbidden'],
      ['close', 4000, 'Forbidden', false],
    ]);
  });

  it('reports close once, whatever follows', async () => {
    const { adapter, socket } = connecting();
    const events: string[] = [];
    for (const type of ['error', 'close', 'message', 'open'] as const) {
      adapter.addEventListener(type, () => events.push(type));
    }
    socket.onerror?.({ message: 'refused' });
    socket.onclose?.({ code: 1006 });
    socket.onmessage?.({ data: connackReply });
    socket.onclose?.({ code: 1000 });
    adapter.send(ping);
    adapter.close();
    await turn();
    expect(events).toEqual(['error', 'close']);
    expect(socket.sent).toEqual([]);
  });

  it('does not count an unexpected reply as the reply to the next frame', async () => {
    const { adapter, socket } = connecting();
    socket.onopen?.({});
    await turn();
    adapter.send(ping);
    socket.onmessage?.({ data: '.' });
    await turn();
    adapter.send(ping);
    await turn();
    expect(socket.sent).toEqual(['wAA=']);
    socket.onmessage?.({ data: '.' });
    await turn();
    expect(socket.sent).toEqual(['wAA=', 'wAA=']);
  });

  it('emits drain at each confirmation', async () => {
    const { adapter, socket } = connecting();
    const buffered: number[] = [];
    adapter.addEventListener('drain', () => buffered.push(adapter.bufferedAmount));
    socket.onopen?.({});
    adapter.send(ping);
    await turn();
    adapter.send(ping);
    socket.onmessage?.({ data: '.' });
    await turn();
    socket.onmessage?.({ data: '.' });
    expect(buffered).toEqual([2, 0]);
  });
});

describe('a keep-alive of its own', () => {
  const connect = Buffer.from('100d00044d5154540502003c000000', 'hex');
  const connect31 = Buffer.from('100e00064d51497364700302003c0000', 'hex');

  it.each([connect, connect31])('sends CONNECT on with a keep-alive of 0', async (packet) => {
    const { adapter, socket } = connecting({ keepAlive: 'local' });
    socket.onopen?.({});
    adapter.send(packet);
    await turn();
    const expected = Buffer.from(packet.toString('hex').replace('003c', '0000'), 'hex');
    expect(socket.sent).toEqual([expected.toString('base64')]);
  });

  it('answers PINGREQ after CONNACK and heartbeats when silent', async () => {
    const timers = new FakeTimers();
    const { adapter, socket } = connecting({ keepAlive: 'local', timers, heartbeatMs: 540_000 });
    adapter.binaryType = 'arraybuffer';
    const received: string[] = [];
    adapter.onmessage = ({ data }) => {
      received.push(Buffer.from(data as ArrayBuffer).toString('hex'));
    };
    socket.onopen?.({});
    adapter.send(connect);
    await turn();
    socket.onmessage?.({ data: connackReply });
    for (let minute = 0; minute < 8; minute++) {
      timers.advance(60_000);
      adapter.send(ping);
      expect(received).toHaveLength(1 + minute);
      await turn();
    }
    expect(received).toEqual(['20020000', ...Array(8).fill('d000')]);
    expect([socket.sent.length, adapter.bufferedAmount]).toEqual([1, 0]);
    timers.advance(60_000);
    await turn();
    expect(socket.sent.slice(1)).toEqual(['.']);
  });

  it('leaves a PINGREQ before CONNACK to the server', async () => {
    const { adapter, socket } = connecting({ keepAlive: 'local' });
    socket.onopen?.({});
    adapter.send(ping);
    await turn();
    expect(socket.sent).toEqual(['wAA=']);
  });
});
