import mqttPacket, { type Packet, type Parser } from 'mqtt-packet';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import { decodeServerFrame, encodeOneWay, encodePackets } from '../../lib/wire/index.ts';
import type { Step } from './scheduler.ts';

export interface ClientOptions {
  readonly id: string;
  /** Client identifier in CONNECT. Default: `id`. */
  readonly clientId?: string;
  readonly version?: 4 | 5;
  readonly cleanStart?: boolean;
  /** v5 session expiry in seconds. Default: never ends. */
  readonly expirySeconds?: number;
  readonly receiveMaximum?: number;
  readonly will?: { readonly topic: string; readonly text: string; readonly delaySeconds?: number };
  /** Packets that one frame may carry. Default: all that wait. */
  readonly packetsPerFrame?: number;
  /** The edge process that holds its connections. Default: API Gateway does. */
  readonly edge?: string;
  /** Sends each final acknowledgement in a one-way frame of its own. */
  readonly acknowledgesOneWay?: boolean;
}

/** A message as the application receives it. */
export interface Arrival {
  readonly topic: string;
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly life: number;
}

/** One connection, as API Gateway sees it. */
export interface Socket {
  readonly address: ConnectionAddress;
  readonly client: Client;
  /** `lost`: the client is gone, undetected; posts succeed and reach nobody. */
  state: 'open' | 'lost' | 'closed';
  frameUnderWay: boolean;
  accepted: boolean;
  /** Pushes that wait for CONNACK. */
  early: string[];
  readonly outbox: Packet[];
  /** Received packet identifiers without a final acknowledgement, which Receive Maximum bounds. */
  readonly outstanding: Map<number, string>;
  readonly got: Map<number, string>;
}

/** The part of the world that a client uses. */
export interface ClientWorld {
  readonly sockets: Map<ConnectionAddress, Socket>;
  /** The next channel of an edge. */
  edgeAddress(edge: string): ConnectionAddress;
  frame(socket: Socket, text: string): void;
  oneWay(socket: Socket, text: string): void;
  lose(socket: Socket, reason: string): void;
  /** Records a violated rule. */
  violation(text: string): void;
}

type Outbound = { readonly packet: Packet & { messageId: number }; phase: 'publish' | 'pubrel' };

/**
 * A correct MQTT client over the wire profile: sends one frame at a time, acknowledges what it
 * receives, keeps its session state, and resends after it reconnects. It records violations by the
 * server.
 */
export class Client {
  readonly options: ClientOptions;
  readonly #world: ClientWorld;
  socket: Socket | undefined;
  /** Whether it connects when it has no connection. */
  online = true;
  cleanStart: boolean;
  /** The edge that its next connection goes to. */
  edge: string | undefined;
  /** Increases with every new session. */
  life = 0;
  readonly arrivals: Arrival[] = [];
  /** Texts that the server has acknowledged. */
  readonly acknowledged = new Set<string>();
  readonly disconnectReasons: number[] = [];
  readonly subscribed = new Set<string>();
  readonly #received = new Set<number>();
  readonly #unacknowledged = new Map<number, Outbound>();
  readonly #seen = new Map<string, string>();
  readonly #finished = new Set<string>();
  #nextIdentifier = 1;
  /** Connections opened so far. */
  sockets = 0;

  constructor(world: ClientWorld, options: ClientOptions) {
    this.#world = world;
    this.options = options;
    this.cleanStart = options.cleanStart ?? false;
    this.edge = options.edge;
  }

  get version(): 4 | 5 {
    return this.options.version ?? 5;
  }
  get connected(): boolean {
    return this.socket?.accepted === true && this.socket.state === 'open';
  }
  get idle(): boolean {
    return this.#unacknowledged.size === 0;
  }
  get unacknowledged(): readonly string[] {
    return [...this.#unacknowledged.values()].map(({ packet }) =>
      packet.cmd === 'publish' ? packet.payload.toString() : packet.cmd,
    );
  }

  /**
   * Opens a connection. An open earlier one is not closed, so the server takes the session over.
   */
  connect(): void {
    const { id, will, expirySeconds = 0xffff_ffff, receiveMaximum } = this.options;
    const edge = this.edge;
    this.sockets += 1;
    const socket: Socket = {
      address:
        edge === undefined ? (`${id}${this.sockets}` as ConnectionAddress) : this.#world.edgeAddress(edge),
      client: this,
      state: 'open',
      frameUnderWay: false,
      accepted: false,
      early: [],
      outbox: [],
      outstanding: new Map(),
      got: new Map(),
    };
    this.socket = socket;
    this.#world.sockets.set(socket.address, socket);
    socket.outbox.push({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.version,
      clientId: this.options.clientId ?? id,
      clean: this.cleanStart,
      keepalive: 60,
      username: 'tenant',
      password: Buffer.from('token'),
      ...(will === undefined
        ? {}
        : {
            will: {
              topic: will.topic,
              payload: Buffer.from(will.text),
              qos: 1,
              retain: false,
              ...(this.version === 5 ? { properties: { willDelayInterval: will.delaySeconds ?? 0 } } : {}),
            },
          }),
      ...(this.version === 5
        ? {
            properties: {
              sessionExpiryInterval: expirySeconds,
              ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
            },
          }
        : {}),
    });
  }

  publish(topic: string, text: string, qos: 0 | 1 | 2, more: { readonly retain?: boolean } = {}): void {
    const base = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(text),
      qos,
      dup: false,
      retain: more.retain ?? false,
    };
    if (qos === 0) {
      this.#write(base as Packet);
      return;
    }
    const packet = { ...base, messageId: this.#identifier() } as Outbound['packet'];
    this.#unacknowledged.set(packet.messageId, { packet, phase: 'publish' });
    if (this.connected) this.#write(packet);
  }

  subscribe(topic: string, qos: 0 | 1 | 2 = 2): void {
    const messageId = this.#identifier();
    this.#asked.set(messageId, topic);
    this.#write({
      cmd: 'subscribe',
      messageId,
      subscriptions: [{ topic, qos }],
    } as Packet);
  }

  unsubscribe(topic: string): void {
    this.#write({ cmd: 'unsubscribe', messageId: this.#identifier(), unsubscriptions: [topic] } as Packet);
  }

  /** @param sessionExpiryInterval replaces that of CONNECT, in seconds. */
  disconnect(sessionExpiryInterval?: number): void {
    this.online = false;
    const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } };
    this.#write({
      cmd: 'disconnect',
      ...(this.version === 5 ? { reasonCode: 0, ...properties } : {}),
    } as Packet);
  }

  /** What this client can do next. */
  steps(): Step[] {
    const actor = this.options.id;
    const { socket } = this;
    if (socket === undefined || socket.state !== 'open')
      return this.online ? [{ actor, label: 'connect', run: () => this.connect() }] : [];
    if (socket.frameUnderWay || socket.outbox.length === 0) return [];
    // The client waits for CONNACK before it sends anything else.
    return [{ actor, label: 'send a frame', run: () => this.#sendFrame(socket) }];
  }

  #sendFrame(socket: Socket): void {
    const [first] = socket.outbox;
    if (this.options.acknowledgesOneWay && (first?.cmd === 'puback' || first?.cmd === 'pubcomp')) {
      socket.outbox.shift();
      this.#leaves(socket, first);
      this.#world.oneWay(socket, encodeOneWay(mqttPacket.generate(first, { protocolVersion: this.version })));
      return;
    }
    const packets = socket.outbox.splice(0, this.options.packetsPerFrame ?? socket.outbox.length);
    for (const packet of packets) this.#leaves(socket, packet);
    const text = encodePackets(
      Buffer.concat(packets.map((packet) => mqttPacket.generate(packet, { protocolVersion: this.version }))),
    );
    socket.frameUnderWay = true;
    this.#world.frame(socket, text);
    if (packets.some(({ cmd }) => cmd === 'disconnect')) this.#leaving = socket;
  }
  #leaving: Socket | undefined;

  /** Final acknowledgements count as soon as they are sent. */
  #leaves(socket: Socket, packet: Packet): void {
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubcomp') return;
    const identifier = packet.messageId ?? 0;
    socket.outstanding.delete(identifier);
    this.#finished.add(`${this.life}:${identifier}`);
  }

  /** The route response; undefined: the invocation failed, and API Gateway reports it. */
  reply(socket: Socket, text: string | undefined): void {
    socket.frameUnderWay = false;
    if (socket !== this.socket || socket.state !== 'open') return;
    if (text === undefined) {
      this.#world.lose(socket, 'closed by the client after an error');
      return;
    }
    this.#handle(socket, text);
    if (this.#leaving === socket) this.#world.lose(socket, 'closed by the client');
  }

  push(socket: Socket, text: string): void {
    if (socket !== this.socket) return;
    if (socket.accepted || isLastPacket(text, this.version)) this.#handle(socket, text);
    else socket.early.push(text);
  }

  #handle(socket: Socket, text: string): void {
    const frame = decodeServerFrame(text);
    if (frame.kind !== 'packets' && frame.kind !== 'reply') throw new Error(`frame ${frame.kind}`);
    if (frame.bytes === undefined) return;
    for (const packet of packetsOf(frame.bytes, this.version)) this.#packet(socket, packet);
  }

  #packet(socket: Socket, packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#connack(socket, packet);
        return;
      case 'publish':
        this.#message(socket, packet);
        return;
      case 'puback':
      case 'pubrec': {
        const identifier = packet.messageId ?? 0;
        const outbound = this.#unacknowledged.get(identifier);
        if ((packet.reasonCode ?? 0) >= 0x80) this.#world.violation(`refused with ${packet.reasonCode}`);
        if (outbound?.packet.cmd === 'publish') this.acknowledged.add(outbound.packet.payload.toString());
        if (packet.cmd === 'puback') this.#unacknowledged.delete(identifier);
        else {
          if (outbound !== undefined) outbound.phase = 'pubrel';
          this.#write({ cmd: 'pubrel', messageId: identifier } as Packet);
        }
        return;
      }
      case 'pubcomp':
        this.#unacknowledged.delete(packet.messageId ?? 0);
        return;
      case 'pubrel':
        this.#received.delete(packet.messageId ?? 0);
        this.#write({ cmd: 'pubcomp', messageId: packet.messageId } as Packet);
        return;
      case 'suback':
        this.subscribed.add(this.#asked.get(packet.messageId ?? 0) ?? '');
        return;
      case 'unsuback':
      case 'pingresp':
        return;
      case 'disconnect':
        this.disconnectReasons.push(packet.reasonCode ?? 0);
        return;
      default:
        this.#world.violation(`${this.options.id} got a packet ${packet.cmd}`);
    }
  }

  #connack(socket: Socket, packet: Packet & { cmd: 'connack' }): void {
    const code = this.version === 5 ? packet.reasonCode : packet.returnCode;
    if (code !== 0) {
      this.#world.violation(`CONNACK ${code}`);
      return;
    }
    socket.accepted = true;
    this.accepted += 1;
    if (!packet.sessionPresent) {
      this.life += 1;
      this.#received.clear();
      this.#seen.clear();
      this.#finished.clear();
    } else if (this.cleanStart) this.#world.violation('session present after a clean start');
    this.cleanStart = false;
    // Resent in the original order (section 4.6); a first transmission has no DUP.
    for (const outbound of this.#unacknowledged.values()) {
      const { packet: original, phase } = outbound;
      if (phase === 'pubrel') this.#write({ cmd: 'pubrel', messageId: original.messageId } as Packet);
      else this.#write({ ...original, dup: this.#sent.has(original.messageId) } as Packet);
    }
    for (const text of socket.early.splice(0)) this.#handle(socket, text);
  }
  readonly #sent = new Set<number>();
  readonly #asked = new Map<number, string>();
  /** Connections that have received CONNACK. */
  accepted = 0;

  #message(socket: Socket, packet: Packet & { cmd: 'publish' }): void {
    const { topic, qos, dup, retain } = packet;
    const text = packet.payload.toString();
    const arrival: Arrival = { topic, text, qos, dup, retain, life: this.life };
    const identifier = packet.messageId;
    if (qos === 0 || identifier === undefined) {
      this.arrivals.push(arrival);
      return;
    }
    this.#watch(socket, identifier, text, dup);
    if (qos === 1) {
      this.arrivals.push(arrival);
      this.#write({ cmd: 'puback', messageId: identifier } as Packet);
      return;
    }
    if (!this.#received.has(identifier)) this.arrivals.push(arrival);
    this.#received.add(identifier);
    this.#write({ cmd: 'pubrec', messageId: identifier } as Packet);
  }

  #watch(socket: Socket, identifier: number, text: string, dup: boolean): void {
    const who = `${this.options.id} ${identifier} "${text}"`;
    const key = `${this.life}:${identifier}`;
    const other = socket.outstanding.get(identifier);
    if (other !== undefined && other !== text)
      this.#world.violation(`${who}: identifier in use for "${other}"`);
    if (socket.got.get(identifier) === text) this.#world.violation(`${who}: twice on one connection`);
    if (!dup && this.#seen.get(key) === text) this.#world.violation(`${who}: sent again without DUP`);
    socket.got.set(identifier, text);
    this.#seen.set(key, text);
    // The server may not have handled an acknowledgement of the previous connection.
    if (!this.#finished.has(key)) socket.outstanding.set(identifier, text);
    const { receiveMaximum = 65_535 } = this.options;
    if (socket.outstanding.size > receiveMaximum)
      this.#world.violation(
        `${who}: ${socket.outstanding.size} unacknowledged, Receive Maximum ${receiveMaximum}`,
      );
  }

  #write(packet: Packet): void {
    if (packet.cmd === 'publish' && packet.messageId !== undefined) this.#sent.add(packet.messageId);
    this.socket?.outbox.push(packet);
  }

  #identifier(): number {
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier += 1;
    this.#sent.delete(identifier);
    return identifier;
  }
}

function isLastPacket(text: string, version: 4 | 5): boolean {
  const frame = decodeServerFrame(text);
  if (frame.kind !== 'packets') return false;
  return packetsOf(frame.bytes, version).some(({ cmd }) => cmd === 'disconnect' || cmd === 'connack');
}

/** Decodes the server's packets. */
function packetsOf(bytes: Uint8Array, version: 4 | 5): Packet[] {
  const packets: Packet[] = [];
  const parser: Parser = mqttPacket.parser({ protocolVersion: version });
  parser.on('packet', (packet: Packet) => packets.push(packet));
  parser.on('error', (error: Error) => {
    throw error;
  });
  parser.parse(Buffer.from(bytes));
  return packets;
}
