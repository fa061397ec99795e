import type { Broker } from '../broker/broker.ts';
import { edgeAddress } from '../core/edge-address.ts';
import type { ConnectionAddress } from '../core/model.ts';
import { disconnectPacket, reasonCode } from '../listeners/answers.ts';
import type { Admission, ClientServer, Credentials } from '../listeners/client-server.ts';
import type { DoorItem } from '../wire/back-door.ts';
import { decodeServerFrame, splitPackets } from '../wire/index.ts';
import { Blocks } from './blocks.ts';
import { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import { FormerClients } from './former-clients.ts';
import type { BackDoor } from './options.ts';
import type { OwnPorts } from './own-ports.ts';

/** Texts for clients that have moved, which wait to be sent on; further ones are dropped. */
const maxForwarding = 1_000;

export interface ClientsOptions {
  readonly broker: Broker;
  readonly channels: Channels;
  readonly own: OwnPorts;
  readonly backDoor: BackDoor;
}

/** Serves the clients of this process: those that come, and what others send to them. */
export class Clients implements ClientServer {
  readonly #options: ClientsOptions;
  readonly #blocks: Blocks;
  readonly #former: FormerClients;
  #forwarding = Promise.resolve();
  #forwardingCount = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#blocks = new Blocks(options.backDoor);
    this.#former = new FormerClients(options.own.ports);
  }

  /**
   * Gives a client its channel. The token of its handshake is verified and its block is stored
   * meanwhile; its first packet waits for both.
   */
  admit(credentials: Credentials): Admission {
    const { broker, channels, own, backDoor } = this.#options;
    const number = channels.nextNumber();
    const address = edgeAddress(channels.edge, number);
    own.connections.add(address);
    const block = this.#blocks.use(number);
    const forget = (): void => {
      own.connections.remove(address);
      this.#blocks.free(block);
    };
    const status = broker
      .handshake(address, tokenOf(credentials), undefined)
      .then(async (answer) => {
        await block.stored;
        return answer;
      })
      .catch(() => 503 as const);
    return {
      ready: status.then((answer) => (answer === 200 ? undefined : { status: answer })),
      start: (client) => {
        const channel = new Channel(number, address, client, {
          broker,
          log: own.ports.log,
          nowMs: own.ports.clock.nowMs,
          admitted: status.then((answer) => answer === 200),
          mayServe: () => (backDoor.isServing() ? true : backDoor.untilServing()),
          busy: () => this.#busy(address),
          left: () => this.#left(channel),
          ended: () => {
            channels.remove(channel);
            forget();
          },
        });
        channels.add(channel);
        return channel;
      },
      abandon: forget,
    };
  }

  /** Takes what others push to clients of this process, or close. */
  receive(items: readonly DoorItem[]): void {
    const { channels, own } = this.#options;
    for (const item of items)
      for (const number of item.to) {
        if ('close' in item) channels.close(number);
        else if ('reread' in item) own.connections.reread(edgeAddress(channels.edge, number));
        else if (channels.post(number, item.text) === 'gone' && isAtMostOnce(item.text))
          this.#forward(number, item.text);
      }
  }

  #busy(address: ConnectionAddress): Uint8Array | undefined {
    const connection = this.#options.own.connections.currentOf(address);
    return connection?.protocolVersion === 5 ? disconnectPacket(reasonCode.serverBusy) : undefined;
  }

  /** The client of a channel has left: it may be elsewhere by now. */
  #left(channel: Channel): void {
    const { own } = this.#options;
    const former = own.connections.currentOf(channel.address) ?? own.connections.formerOf(channel.address);
    if (former !== undefined) this.#former.remember(channel.address, former);
  }

  /** Sends texts for clients that have moved on to them, in their order. */
  #forward(number: number, text: string): void {
    const { channels, own } = this.#options;
    if (this.#forwardingCount === maxForwarding) return;
    this.#forwardingCount += 1;
    this.#forwarding = this.#forwarding
      .then(async () => {
        const address = await this.#former.addressNow(edgeAddress(channels.edge, number));
        if (address !== undefined) await own.ports.gateway.post(address, text);
      })
      // QoS 0, or in the queue of the session: the text may be lost.
      .catch(() => undefined)
      .finally(() => {
        this.#forwardingCount -= 1;
      });
  }
}

/**
 * Whether a text holds nothing but messages at QoS 0. All others belong to the connection that has
 * ended: a DISCONNECT would end the next one, and messages of the queue are sent again to it.
 */
function isAtMostOnce(text: string): boolean {
  const frame = decodeServerFrame(text);
  if (frame.kind !== 'packets') return false;
  return splitPackets(frame.bytes).packets.every(([first = 0]) => (first & 0b1111_0110) === 0b0011_0000);
}

function tokenOf({ authorization, token }: Credentials): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? token;
}
