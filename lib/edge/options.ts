import type { Broker } from '../broker/broker.ts';
import type { Clock, Log, Ports } from '../core/ports.ts';
import type { EdgeStore } from '../core/store-ports/edges.ts';
import type { Timers } from '../core/timers.ts';
import type { ListenerOptions, Listeners } from '../listeners/options.ts';
import type { DoorItem } from '../wire/back-door.ts';

/** What an edge needs of the service, composed over its own ports. */
export interface EdgeService {
  readonly broker: Broker;
  /** Writes usage that is due, and metrics. */
  flush(): Promise<void>;
}

/** What the back door of an edge needs (lib/edge/back-door.ts). */
export interface BackDoorOptions {
  readonly edge: string;
  readonly edges: EdgeStore;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes what others push to clients of this process. */
  readonly receive: (items: readonly DoorItem[]) => void;
  /** A back door was lost, and another one is open: messages in the first may be lost. */
  readonly onLost: () => void;
  /** The process counts as dead: its connections must end. */
  readonly onDead: () => void;
}

/** The connection of an edge to those that want to reach its clients. */
export interface BackDoor {
  /** Whether this process may handle frames now. */
  isServing(): boolean;
  /** Resolves when it may again; false: it counts as dead. */
  untilServing(): Promise<boolean>;
  /** Stores that channels of a block are in use; resolves before the first of them may connect. */
  useBlock(block: number): Promise<void>;
  /** No channel of a block is in use any more. */
  freeBlock(block: number): Promise<void>;
  close(): Promise<void>;
}

export interface EdgeOptions extends Omit<ListenerOptions, 'log'> {
  /** Id of this process, unique: a new one at each start. */
  readonly edge: string;
  readonly log: Log;
  /** Composes the service. `wrap` replaces the ports of which the edge keeps the state itself. */
  readonly compose: (wrap: (ports: Ports) => Ports) => EdgeService;
  /** Opens the back door. Resolves when others can reach this process. */
  readonly openBackDoor: (options: BackDoorOptions) => Promise<BackDoor>;
  /**
   * Called when the process counts as dead and its connections have been ended: it must stop, and
   * may start again with another id. Default: nothing.
   */
  readonly onDead?: () => void;
  /** Port of the health check. 0 picks a free one; absent: none. */
  readonly healthPort?: number;
  /**
   * Text of `GET /metrics` at the port of the health check, for so many clients. Default: none.
   */
  readonly metricsOf?: (clients: number) => string;
}

export interface Edge extends Pick<Listeners, 'mqttPort' | 'tlsPort' | 'wsPort' | 'wssPort'> {
  readonly edge: string;
  readonly healthPort?: number;
  /** Clients that are connected now, with or without an accepted CONNECT. */
  readonly connections: () => number;
  replaceCertificates: Listeners['replaceCertificates'];
  /**
   * Stops accepting clients and ends those that are connected, evenly within `seconds`. Resolves
   * when all have ended.
   */
  drain(seconds: number): Promise<void>;
  /** Ends all clients within some seconds and closes everything. */
  close(): Promise<void>;
}
