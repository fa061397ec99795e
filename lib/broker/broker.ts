import type { Context } from '../core/context.ts';
import type { ConnectionAddress, FanoutSlice } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';
import { refusal } from '../core/reasons.ts';
import { defaultSettings, type Settings } from '../core/settings.ts';
import type { ScheduledTimer } from '../core/timers.ts';
import { deliverSlices } from '../delivery/fan-out-worker.ts';
import { publishTraces } from '../delivery/publish-traces.ts';
import { createSenderWatch } from '../delivery/sender-watch.ts';
import { createTraces, seeTraced } from '../limits/traces.ts';
import { closeConnection } from '../sessions/close-connection.ts';
import { endSession } from '../sessions/end-session.ts';
import { endWith } from '../sessions/outcome.ts';
import { connectionLostReason } from '../sessions/presence.ts';
import { connectionLost, releaseConnection } from '../sessions/release-connection.ts';
import { doorClosed } from './edge-death.ts';
import { handleFrame, handlePacketBytes, oneWayFrame } from './frame.ts';
import { handshake } from './handshake.ts';
import { createLookMemory, type LookMemory } from './look-memory.ts';
import { handleTimers } from './timers.ts';

/** What the functions call: one method for each kind of event. */
export interface Broker {
  /** A WebSocket handshake. @returns the status of its response. */
  handshake(
    address: ConnectionAddress,
    token: string | undefined,
    tenantHint: string | undefined,
  ): Promise<200 | 401>;
  /** A text message of a client. @returns the text of the route response, never empty. */
  message(address: ConnectionAddress, text: string): Promise<string>;
  /** A text message of a client without a route response: packets that get no reply. */
  oneWay(address: ConnectionAddress, text: string): Promise<void>;
  /** Complete packets of a client whose socket this process holds. @returns the replies. */
  packets(address: ConnectionAddress, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array[]>;
  /** The WebSocket has been closed. */
  disconnected(address: ConnectionAddress): Promise<void>;
  /**
   * Ends the connection at `address` because the process that holds its socket stops, or for
   * another reason of its own: DISCONNECT 0x8B in 5.0 [MQTT-4.13.1-1 v5], and its Will is
   * published as after every lost connection.
   */
  shutDown(address: ConnectionAddress, reason?: 'server-stopping' | 'back-door-lost'): Promise<void>;
  /**
   * Timers have arrived from the queue, due or on their way.
   * @returns the outcome of each, in their order; a rejected one must be delivered again.
   */
  timers(arrived: readonly ScheduledTimer[]): Promise<PromiseSettledResult<void>[]>;
  /** The back door of an edge process has closed; `door` is its connection id. */
  doorClosed(door: string): Promise<void>;
  /**
   * Publishes what is to be told of traced clients, and writes usage that is due. Call it at the
   * end of each invocation.
   */
  flush(): Promise<void>;
  /** Slices of fan-outs from the queue; see lib/delivery/fan-out-worker.ts. */
  slices(slices: readonly FanoutSlice[], isRetry: boolean): Promise<'done' | 'unfinished'>;
}

/** The context of all handlers, over these ports. */
export function createContext(ports: Ports, settings: Settings = defaultSettings): Context {
  const traces = createTraces(ports, settings);
  const context: Context = {
    ...ports,
    ...seeTraced(ports, traces),
    settings,
    traces,
    senders: createSenderWatch(ports),
    connectionLost: (key, address) => connectionLost(context, key, address),
    sessionEnded: (key, generation) => endSession(context, key, generation),
  };
  return context;
}

export function createBroker(context: Context): Broker {
  // Only the timer function needs it.
  let looks: LookMemory | undefined;
  return {
    handshake: (address, token, tenantHint) => handshake(context, address, token, tenantHint),

    message: (address, text) => handleFrame(context, address, text),
    async oneWay(address, text) {
      await handleFrame(context, address, text, oneWayFrame);
    },

    packets: (address, bytes) => handlePacketBytes(context, address, bytes),

    async disconnected(address) {
      const { connection, pending } = await context.connections.find(address);
      if (pending) await context.pendingIdentities.delete(address);
      if (connection !== undefined)
        await releaseConnection(context, connection, { will: 'publish', reason: connectionLostReason });
    },

    async shutDown(address, reason = 'server-stopping') {
      const connection = await context.connections.get(address);
      const end = endWith(connection?.protocolVersion, refusal(reason));
      await closeConnection(context, address, connection, [], end);
    },

    timers: (arrived) => {
      looks ??= createLookMemory();
      return handleTimers(context, arrived, looks);
    },

    doorClosed: (door) => doorClosed(context, door),

    async flush() {
      const lines = context.traces.take();
      if (lines.length > 0) await publishTraces(context, lines);
      await context.usage.flush();
    },

    slices: (slices, isRetry) => deliverSlices(context, slices, isRetry),
  };
}
