import type { WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import type { Peer } from './events.ts';
import { connectionLifetimeMs, idleTimeoutMs, maxBufferedBytes, maxFrameBytes } from './limits.ts';
import { type Meters, meteredMessages, meteredMinutes } from './meters.ts';

export interface Connection extends Peer {
  readonly socket: WebSocket;
  /** Time of the last message in either direction. */
  lastActiveAtMs: number;
  /** When the client last sent a message, or connected. */
  lastReceivedAtMs: number;
  /** Invocations under way. */
  running: number;
}

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface Connections {
  readonly size: number;
  /** Undefined after it has ended, even while its socket is closing. */
  get(connectionId: string): Connection | undefined;
  open(peer: Peer, socket: WebSocket): Connection;
  /** Removes the connection and reports its end once. False if it has already ended. */
  end(connection: Connection, ending: Ending): boolean;
  /**
   * Ends it and starts the close handshake. `reported` goes to `$disconnect` instead of `ending`.
   */
  close(connection: Connection, ending: Ending, reported?: Ending): boolean;
  /** Ends it like a lost network: no close frame, code 1006. */
  cut(connection: Connection): boolean;
  /**
   * Sends a message, in fragments of 32 KB. 'full': the client does not read. 'gone': the
   * connection has ended.
   */
  send(connection: Connection, body: Buffer | string): 'sent' | 'full' | 'gone';
  closeAll(ending: Ending): void;
  /** Billed minutes of open connections. */
  openMinutes(): number;
  /** Waits for close handshakes until `giveUp` resolves, then terminates the rest. */
  settle(giveUp: Promise<unknown>): Promise<void>;
}

/**
 * Idle timeout and 2 h limit:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 */
const goingAway: Ending = { code: 1001, reason: 'Going away' };

export function createConnections(
  clock: Clock,
  meters: Meters,
  onEnd: (connection: Connection, ending: Ending) => void,
): Connections {
  const open = new Map<string, Connection>();
  const timers = new Map<string, () => void>();
  /** Includes sockets of ended connections whose close handshake is under way. */
  const sockets = new Set<WebSocket>();
  let whenNoSockets: (() => void) | undefined;

  // One timer per connection, which checks again when it fires. A new timer per message costs more.
  function watch(connection: Connection): void {
    const dueMs = Math.min(
      connection.lastActiveAtMs + idleTimeoutMs,
      connection.connectedAtMs + connectionLifetimeMs,
    );
    const check = () => {
      const nowMs = clock.now();
      const idle = nowMs - connection.lastActiveAtMs >= idleTimeoutMs;
      const old = nowMs - connection.connectedAtMs >= connectionLifetimeMs;
      if (idle || old) close(connection, goingAway);
      else watch(connection);
    };
    timers.set(connection.connectionId, clock.schedule(check, dueMs - clock.now()));
  }

  function end(connection: Connection, ending: Ending): boolean {
    if (!open.delete(connection.connectionId)) return false;
    timers.get(connection.connectionId)?.();
    timers.delete(connection.connectionId);
    meters.disconnects++;
    meters.connectionMinutes += meteredMinutes(clock.now() - connection.connectedAtMs);
    onEnd(connection, ending);
    return true;
  }

  function close(connection: Connection, ending: Ending, reported = ending): boolean {
    if (!open.has(connection.connectionId)) return false;
    connection.socket.resume();
    connection.socket.close(ending.code, ending.reason);
    return end(connection, reported);
  }

  function cut(connection: Connection): boolean {
    connection.socket.terminate();
    return end(connection, { code: 1006, reason: '' });
  }

  return {
    get size() {
      return open.size;
    },
    get(connectionId) {
      const connection = open.get(connectionId);
      return connection?.socket.readyState === connection?.socket.OPEN ? connection : undefined;
    },
    open(peer, socket) {
      const connection: Connection = {
        ...peer,
        socket,
        lastActiveAtMs: clock.now(),
        lastReceivedAtMs: clock.now(),
        running: 0,
      };
      open.set(peer.connectionId, connection);
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) whenNoSockets?.();
      });
      meters.connects++;
      watch(connection);
      return connection;
    },
    end,
    close,
    cut,
    send(connection, body) {
      const { socket } = connection;
      if (!open.has(connection.connectionId) || socket.readyState !== socket.OPEN) return 'gone';
      const byteLength = Buffer.byteLength(body);
      if (socket.bufferedAmount + byteLength > maxBufferedBytes) return 'full';
      sendText(socket, body, byteLength);
      connection.lastActiveAtMs = clock.now();
      meters.messagesOut++;
      meters.meteredMessagesOut += meteredMessages(byteLength);
      return 'sent';
    },
    closeAll(ending) {
      for (const connection of [...open.values()]) close(connection, ending);
    },
    openMinutes() {
      const nowMs = clock.now();
      let minutes = 0;
      for (const { connectedAtMs } of open.values()) minutes += meteredMinutes(nowMs - connectedAtMs);
      return minutes;
    },
    async settle(giveUp) {
      if (sockets.size === 0) return;
      await Promise.race([
        giveUp,
        new Promise<void>((resolve) => {
          whenNoSockets = resolve;
        }),
      ]);
      for (const socket of sockets) socket.terminate();
    },
  };
}

/**
 * Sends all fragments in one tick and uncompressed, so that fragments of two messages never mix.
 */
function sendText(socket: WebSocket, body: Buffer | string, byteLength: number): void {
  if (byteLength <= maxFrameBytes) {
    socket.send(body, { binary: false });
    return;
  }
  const bytes = Buffer.from(body);
  for (let start = 0; start < byteLength; start += maxFrameBytes) {
    const end = start + maxFrameBytes;
    socket.send(bytes.subarray(start, end), { binary: false, fin: end >= byteLength });
  }
}
