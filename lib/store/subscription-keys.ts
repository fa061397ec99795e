import { createHash } from 'node:crypto';
import type { Subscription } from '../core/model.ts';
import type { PositionRange } from '../core/store-ports/subscriptions.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, S } from './attributes.ts';
import { scoped, spreadHash } from './keys.ts';

/**
 * Sort keys of one filter's audience, in their order:
 *
 *     !queued                            mark: messages to this topic take the fan-out queue
 *     !rule#{name}                       rule that messages to the filter's topics fire
 *     {hash}{clientId}                   subscription of a client; the key is its position
 *     ~{share name}NUL{hash}{clientId}   member of a share
 *
 * `!` sorts before every hexadecimal digit and `~` behind them, so each kind is one range. No share
 * name contains a NUL. Other keys with `!` belong to kinds of a later release: readers skip them.
 */
export const queuedMark = '!queued';
export const ruleMark = '!rule#';
export const firstPosition = '0';
export const firstMember = '~';
/** Behind every member: the character after `~`. */
export const lastMember = '\u{7f}';

/** The key of one client's subscription to a filter. */
export function subscriptionKey(
  tenant: TenantId,
  { clientId, filter, shareName }: Pick<Subscription, 'clientId' | 'filter' | 'shareName'>,
): Item {
  const position = spreadHash(clientId) + clientId;
  const client = shareName === undefined ? position : sharePrefix(shareName) + position;
  return { filter: S(scoped(tenant, filter)), client: S(client) };
}

/** The key of a rule in the partition of its filter. */
export function ruleMatchKey(tenant: TenantId, filter: string, name: string): Item {
  return { filter: S(scoped(tenant, filter)), client: S(ruleMark + name) };
}

/**
 * Longer share names are hashed: with the longest client id they would exceed a sort key of 1,024
 * bytes.
 */
const maxShareNameBytes = 512;

/** Prefix of the keys of a share's members: its name, or a NUL and its digest. */
export function sharePrefix(shareName: string): string {
  if (Buffer.byteLength(shareName) <= maxShareNameBytes) return `${firstMember}${shareName}\0`;
  return `${firstMember}\0${createHash('sha256').update(shareName).digest('base64url')}\0`;
}

/** The first key behind all members of a share. */
export function behindShare(prefix: string): string {
  return `${prefix.slice(0, -1)}\u{1}`;
}

/**
 * The members of a share as a ring of hashes that begins at `place` in [0, 1): the range from there
 * on, then the range before it.
 */
export function ringFrom(prefix: string, place: number): (readonly [from: string, to: string])[] {
  const start = prefix + boundary(Math.floor(place * hashes));
  return [
    [start, prefix + boundary(hashes)],
    [prefix, start],
  ];
}

const hashes = 2 ** 32;

/**
 * The lower bound of keys with `hash` or a higher one. No key equals it, because no client id is
 * empty.
 */
function boundary(hash: number): string {
  return hash >= hashes ? 'g' : hash.toString(16).padStart(8, '0');
}

/**
 * The most that is estimated: ten times as many as the connections that a tenant may have by
 * default. Client ids can be chosen so that their positions crowd.
 */
const maxEstimate = 100_000;

/**
 * About how many clients subscribe to a filter, when the first `count` rows reach to the key
 * `last`.
 *
 * @returns undefined where `last` is behind them, at a member of a share.
 */
export function aboutHowMany(count: number, last: string): number | undefined {
  if (last >= firstMember) return undefined;
  const part = (Number.parseInt(last.slice(0, 8), 16) + 1) / hashes;
  return Math.max(count, Math.min(maxEstimate, Math.round(count / part)));
}

/** Bounds of a range of positions, for BETWEEN. */
export function positionsOf({ slice, slices, after }: PositionRange): readonly [from: string, to: string] {
  const start = Math.floor((slice * hashes) / slices);
  const end = Math.floor(((slice + 1) * hashes) / slices);
  return [after === undefined ? boundary(start) : `${after}\0`, boundary(end)];
}
