import { generate, type Packet, parser as packetParser } from 'mqtt-packet';
import { afterEach } from 'vitest';
import { Channels } from '../../lib/edge/channels.ts';
import { Clients } from '../../lib/edge/clients.ts';
import { keepOwn, type OwnPorts } from '../../lib/edge/own-ports.ts';
import type { ClientSide, Session } from '../../lib/listeners/client-server.ts';
import { noBackDoor } from '../support/no-back-door.ts';
import {
  type LocalServiceOptions,
  type Mint,
  startTestService,
  type TestService,
} from '../support/service.ts';

let running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of running.reverse()) await close();
  running = [];
});

/** A client of MQTT 3.1.1 without a socket: what it sends is there at once. */
export interface PipedClient {
  send(...packets: Packet[]): void;
  /** The next packet of a kind that has not been taken. */
  next<Kind extends Packet['cmd']>(cmd: Kind): Promise<Extract<Packet, { cmd: Kind }>>;
  /** All packets that have come, and `end` when the edge has closed. */
  readonly received: readonly string[];
  readonly ended: Promise<void>;
}

export interface Piped {
  readonly service: TestService;
  connect(mint: Mint, clientId: string): Promise<PipedClient>;
  /** Connects a client with a subscription at QoS 1. */
  subscriber(mint: Mint, clientId: string, filter: string): Promise<PipedClient>;
}

/** An edge without sockets, so that packets of several clients come in one turn. */
export async function startPiped(options: Partial<LocalServiceOptions> = {}): Promise<Piped> {
  const service = await startTestService(options);
  running.push(service);
  const channels = new Channels('PIPED');
  let own: OwnPorts | undefined;
  const { broker } = service.composeEdge((ports) => {
    own = keepOwn(ports, channels);
    return own.ports;
  });
  if (own === undefined) throw new TypeError('the ports were not wrapped');
  const clients = new Clients({ broker, channels, own, backDoor: noBackDoor });

  async function connect(mint: Mint, clientId: string): Promise<PipedClient> {
    const client = pipe(clients);
    const login = { clientId, username: mint.tenant, password: Buffer.from(await mint()) };
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      ...login,
    });
    await client.next('connack');
    return client;
  }
  return {
    service,
    connect,
    async subscriber(mint, clientId, filter) {
      const client = await connect(mint, clientId);
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] });
      await client.next('suback');
      return client;
    },
  };
}

function pipe(clients: Clients): PipedClient {
  const received: string[] = [];
  const untaken: Packet[] = [];
  const looks: (() => void)[] = [];
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const parser = packetParser({ protocolVersion: 4 });
  parser.on('packet', (packet) => {
    received.push(packet.cmd);
    untaken.push(packet);
    for (const look of looks.splice(0)) look();
  });
  const close = (): void => {
    received.push('end');
    end();
  };
  const side: ClientSide = {
    write: (bytes) => void parser.parse(Buffer.from(bytes)),
    pause() {},
    resume() {},
    hold: () => true,
    end: close,
    destroy: close,
  };
  const session: Session = clients.admit({}).start(side);
  return {
    received,
    ended,
    send: (...packets) => session.receive(Buffer.concat(packets.map((packet) => generate(packet)))),
    async next(cmd) {
      for (;;) {
        const index = untaken.findIndex((packet) => packet.cmd === cmd);
        if (index >= 0) return untaken.splice(index, 1)[0] as never;
        await new Promise<void>((resolve) => looks.push(resolve));
      }
    },
  };
}
