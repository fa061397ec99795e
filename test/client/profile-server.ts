/**
 * A small server of the wire profile. Each connection has its own broker, which echoes publishes; a
 * test can inject faults.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import mqtt, { type Packet } from 'mqtt-packet';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  ChunkAssembler,
  decodeClientFrame,
  encodeMessages,
  encodePackets,
  encodeReply,
  subprotocol,
} from '../../lib/wire/index.ts';

export interface Peer {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** All received texts, in order. */
  readonly frames: string[];
  readonly packets: Packet[];
  push(packets: readonly Packet[]): void;
}

export interface Behaviour {
  /** HTTP status that refuses the handshake; `undefined` accepts it. */
  refuse?: (request: IncomingMessage) => number | undefined;
  /** Replaces the usual route response; `undefined` drops it. */
  reply?: (usual: string, peer: Peer, packets: readonly Packet[]) => string | undefined;
  /**
   * Sends the reply and the pushes of a frame in another order. Default: the reply first.
   */
  order?: (sendReply: () => void, sendPushes: () => void) => void;
}

export async function startProfileServer(behaviour: Behaviour = {}) {
  const peers: Peer[] = [];
  const http = createServer();
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => subprotocol });
  http.on('upgrade', (request, socket, head) => {
    const offered = request.headers['sec-websocket-protocol'];
    const status = behaviour.refuse?.(request) ?? (offered === subprotocol ? undefined : 400);
    if (status) {
      const body = `no: ${status}`;
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    server.handleUpgrade(request, socket, head, (ws) => {
      const peer = servePeer(ws, request, behaviour);
      peers.push(peer);
      server.emit('peer', peer);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/mqtt`,
    peers,
    async nextPeer(): Promise<Peer> {
      const [peer] = await once(server, 'peer');
      return peer;
    },
    async close(): Promise<void> {
      for (const { socket } of peers) socket.terminate();
      http.close();
      await once(http, 'close');
    },
  };
}

function servePeer(socket: WebSocket, request: IncomingMessage, behaviour: Behaviour): Peer {
  const assembler = new ChunkAssembler();
  let chunkId = 0;
  let version = 4;
  const parser = mqtt.parser();
  let parsed: Packet[] = [];
  parser.on('packet', (packet) => {
    if (packet.cmd === 'connect') version = packet.protocolVersion ?? 4;
    parsed.push(packet);
  });
  const bytesOf = (packet: Packet) => new Uint8Array(mqtt.generate(packet, { protocolVersion: version }));
  const peer: Peer = {
    request,
    socket,
    frames: [],
    packets: [],
    push(packets) {
      for (const text of encodeMessages(packets.map(bytesOf), () => String(chunkId++))) socket.send(text);
    },
  };
  socket.on('message', (data, isBinary) => {
    if (isBinary) return socket.close(1003);
    peer.frames.push(String(data));
    const frame = decodeClientFrame(String(data));
    const whole = frame.kind === 'chunk' ? assembler.accept(frame) : frame;
    if (whole.kind === 'invalid') return socket.close(1008, whole.code);
    parsed = [];
    if ('bytes' in whole) parser.parse(Buffer.from(whole.bytes));
    peer.packets.push(...parsed);
    const replies = parsed.flatMap(replyTo).map(bytesOf);
    const usual = encodeReply(replies.length > 0 ? Buffer.concat(replies) : undefined);
    const pushes = parsed.filter((packet) => packet.cmd === 'publish');
    const packets = parsed;
    const sendReply = () => {
      const text = behaviour.reply ? behaviour.reply(usual, peer, packets) : usual;
      if (text !== undefined) socket.send(text);
    };
    const sendPushes = () => peer.push(pushes.map((packet) => ({ ...packet, qos: 0, dup: false }) as Packet));
    if (behaviour.order) behaviour.order(sendReply, sendPushes);
    else {
      sendReply();
      sendPushes();
    }
    if (packets.some(({ cmd }) => cmd === 'disconnect')) socket.close(1000);
    return undefined;
  });
  return peer;
}

function replyTo(packet: Packet): Packet[] {
  switch (packet.cmd) {
    case 'connect':
      return [{ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false }];
    case 'publish':
      return packet.qos === 1
        ? [{ cmd: 'puback', messageId: packet.messageId as number, reasonCode: 0 }]
        : [];
    case 'subscribe':
      return [
        { cmd: 'suback', messageId: packet.messageId as number, granted: packet.subscriptions.map(() => 1) },
      ];
    case 'pingreq':
      return [{ cmd: 'pingresp' }];
    default:
      return [];
  }
}

/** Text of a final push: the last message before the server ends a connection. */
export function finalPush(packet: Packet, version = 4): string {
  return encodePackets(mqtt.generate(packet, { protocolVersion: version }));
}
