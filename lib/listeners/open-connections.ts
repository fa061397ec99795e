import type { Socket } from 'node:net';

/** Which bound of connections is exceeded. */
export type Full = 'bridge-full' | 'address-full';

interface Bounds {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/**
 * Connections above `maxConnections` that may stay until they have sent CONNECT, so that it can be
 * answered. All others are closed at once.
 */
const maxWaiting = 100;

/** The same for `maxConnectionsPerAddress`. */
const maxWaitingPerAddress = 10;

/** The open connections of all listeners together, counted by client address. */
export class OpenConnections implements Iterable<Socket> {
  readonly #bounds: Bounds;
  readonly #sockets = new Set<Socket>();
  readonly #counts = new Map<string, number>();
  /** Sources of which a closed connection has been reported since they were full. */
  readonly #reported = new Set<string>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#sockets.size;
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.#sockets[Symbol.iterator]();
  }

  /**
   * Counts a connection until it closes. Closes it at once if too many wait for an answer already;
   * `refused` is then called, with `again` if it was called for this source since that is full:
   * strangers must not fill the log.
   */
  add(socket: Socket, refused: (full: Full, again: boolean) => void): void {
    const source = sourceOf(socket.remoteAddress);
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#sockets.add(socket);
    this.#counts.set(source, count);
    socket.once('close', () => this.#remove(socket, source));
    const { maxConnections, maxConnectionsPerAddress } = this.#bounds;
    const isTooMany =
      this.size > maxConnections + maxWaiting || count > maxConnectionsPerAddress + maxWaitingPerAddress;
    if (!isTooMany) return;
    const full = this.#fullFor(count);
    if (full !== undefined) {
      refused(full, this.#reported.has(source));
      this.#reported.add(source);
    }
    socket.destroy();
  }

  /** The bound that keeps a client with this address out, if there is one. */
  fullFor(address: string | undefined): Full | undefined {
    return this.#fullFor(this.#counts.get(sourceOf(address)) ?? 0);
  }

  #fullFor(count: number): Full | undefined {
    if (count > this.#bounds.maxConnectionsPerAddress) return 'address-full';
    return this.size > this.#bounds.maxConnections ? 'bridge-full' : undefined;
  }

  #remove(socket: Socket, source: string): void {
    this.#sockets.delete(socket);
    const left = (this.#counts.get(source) ?? 0) - 1;
    if (left > 0) this.#counts.set(source, left);
    else this.#counts.delete(source);
    if (this.#fullFor(left) === undefined) this.#reported.delete(source);
  }
}

/**
 * What counts as one client address: an IPv4 address, also in its form in IPv6, or the first 64
 * bits of an IPv6 address, because a host may have as many addresses as the others hold.
 */
export function sourceOf(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [before = [], after = []] = address
    .split('::')
    .map((text) => text.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
