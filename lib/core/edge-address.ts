import type { ConnectionAddress } from './model.ts';

/**
 * Addresses of connections that an edge process holds: `e:EDGE:CHANNEL`. API Gateway's connection
 * ids hold no colon, so no client and no gateway can make such an address.
 */

/** An address of an edge, in its parts. */
export interface EdgeAddress {
  /** Id of one process; a new one at each start. */
  readonly edge: string;
  /** Number of a connection, counted up and never used again in the life of the process. */
  readonly channel: number;
}

/**
 * Channels in a block. An edge stores which blocks it uses, so that the connections of a dead one
 * can be found: one write for so many connections.
 */
export const channelsPerBlock = 256;

export function edgeAddress(edge: string, channel: number): ConnectionAddress {
  return `e:${edge}:${channel}` as ConnectionAddress;
}

/** Undefined: the address is one of API Gateway. */
export function edgeAddressParts(address: ConnectionAddress): EdgeAddress | undefined {
  if (!address.startsWith('e:')) return undefined;
  if (!address.startsWith('e:')) return undefined;
  const [, edge, digits] = /^e:([^:]+):(\d+)$/.exec(address) ?? [];
  const channel = Number(digits);
  return edge !== undefined && isChannel(channel) ? { edge, channel } : undefined;
}

/** Whether an edge, and not API Gateway, holds the connection. */
export function isEdgeAddress(address: ConnectionAddress): boolean {
  return edgeAddressParts(address) !== undefined;
}

function isChannel(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The block of a channel. */
export function blockOf(channel: number): number {
  return Math.floor(channel / channelsPerBlock);
}

/** The addresses of all channels of a block, used or not. */
export function addressesOfBlock(edge: string, block: number): ConnectionAddress[] {
  return Array.from({ length: channelsPerBlock }, (_, index) =>
    edgeAddress(edge, block * channelsPerBlock + index),
  );
}
