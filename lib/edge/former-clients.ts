import type { ClientKey, Connection, ConnectionAddress } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';

/**
 * Time for which the client of a closed channel is remembered, in milliseconds: twice as long as
 * processes cache the routes of clients (lib/store/sessions.ts).
 */
const rememberMs = 10_000;
/** Clients of closed channels that are remembered; the oldest are forgotten. */
const maxRemembered = 20_000;

/** What a text for a client depends on. */
type Encoded = Pick<
  Connection,
  'generation' | 'protocolVersion' | 'clientMaxPacketBytes' | 'clientTopicAliasMaximum'
>;

interface FormerClient extends ClientKey, Encoded {
  readonly closedAtMs: number;
}

/**
 * Clients whose channels have closed. A process that has cached the route of such a client still
 * posts to its old channel, and only this process can tell that it has closed: it sends the text on
 * to where the client is now. At QoS 0 the client thus misses nothing by moving.
 */
export class FormerClients {
  readonly #ports: Pick<Ports, 'sessions' | 'clock'>;
  readonly #byAddress = new Map<ConnectionAddress, FormerClient>();

  constructor(ports: Pick<Ports, 'sessions' | 'clock'>) {
    this.#ports = ports;
  }

  remember(address: ConnectionAddress, client: ClientKey & Encoded): void {
    const { tenant, clientId, generation, protocolVersion, clientMaxPacketBytes } = client;
    const { clientTopicAliasMaximum } = client;
    const closedAtMs = this.#ports.clock.nowMs();
    this.#byAddress.set(address, {
      tenant,
      clientId,
      generation,
      protocolVersion,
      clientTopicAliasMaximum,
      closedAtMs,
      ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    });
    for (const [oldest, former] of this.#byAddress) {
      if (this.#byAddress.size <= maxRemembered && closedAtMs - former.closedAtMs < rememberMs) return;
      this.#byAddress.delete(oldest);
    }
  }

  /**
   * Where the client of a closed channel is now; undefined: nowhere, or where texts for the old
   * connection do not fit.
   */
  async addressNow(address: ConnectionAddress): Promise<ConnectionAddress | undefined> {
    const former = this.#byAddress.get(address);
    if (former === undefined) return undefined;
    const session = await this.#ports.sessions.get(former);
    if (session === undefined || session.address === address) return undefined;
    return isEncodedAlike(session, former) ? session.address : undefined;
  }
}

/** Whether a text for one connection of the client may go to the other. */
function isEncodedAlike(one: Encoded, other: Encoded): boolean {
  return (
    one.generation === other.generation &&
    one.protocolVersion === other.protocolVersion &&
    one.clientMaxPacketBytes === other.clientMaxPacketBytes &&
    one.clientTopicAliasMaximum === other.clientTopicAliasMaximum
  );
}
