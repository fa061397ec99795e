import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import type { ClientKey, Message, Route } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { enqueue, type Queueable } from './enqueue.ts';
import { postAtMostOnce } from './post.ts';
import type { Delivery } from './publish-packet.ts';
import { memberId } from './share.ts';
import type { Share, Target } from './targets.ts';

/** A message for one member of a share. */
export interface SharedDelivery {
  readonly message: Message;
  readonly share: Share;
  /** Members whose sessions turned out to have ended. */
  readonly failed: readonly string[];
}

/** What one client is to get of a batch of messages, in their order. */
export interface Parcel {
  readonly key: ClientKey;
  readonly generation: string;
  readonly atMostOnce: Delivery[];
  readonly queued: Queueable[];
  readonly shared: SharedDelivery[];
}

/** What each client is to get, gathered message by message. */
export class Parcels {
  readonly #tenant: TenantId;
  readonly #byClient = new Map<string, Parcel>();

  constructor(tenant: TenantId) {
    this.#tenant = tenant;
  }

  get all(): readonly Parcel[] {
    return [...this.#byClient.values()];
  }

  add(target: Target, message: Message, shared?: SharedDelivery): void {
    const { clientId, generation, retain, subscriptionIdentifiers, qos } = target;
    const id = memberId(target);
    let parcel = this.#byClient.get(id);
    if (parcel === undefined) {
      const key = { tenant: this.#tenant, clientId };
      parcel = { key, generation, atMostOnce: [], queued: [], shared: [] };
      this.#byClient.set(id, parcel);
    }
    if (qos === 0) {
      // [MQTT-4.3.1-1 v3+v5]
      parcel.atMostOnce.push({ message, qos, retain, dup: false, subscriptionIdentifiers });
      return;
    }
    const share = shared === undefined ? {} : { share: shared.share.id };
    parcel.queued.push({ message, qos, retain, subscriptionIdentifiers, ...share });
    if (shared !== undefined) parcel.shared.push(shared);
  }
}

/**
 * Hands each client what it is to get, many clients at once: what is at most once goes out on the route that is known,
 * the rest through the session's queue.
 * @param failed is told of parcels that could not be handed over and why; absent: the first error rejects, after all
 * others have been handed over.
 * @returns the parcels whose session turned out to have ended.
 */
export async function sendParcels(
  context: Context,
  tenant: TenantId,
  parcels: readonly Parcel[],
  failed?: (parcel: Parcel, error: unknown) => void,
): Promise<Parcel[]> {
  const wanted = parcels.filter(({ atMostOnce }) => atMostOnce.length > 0).map(({ key }) => key.clientId);
  const routes =
    wanted.length === 0
      ? new Map<string, Route>()
      : await context.sessions.routes(tenant, [...new Set(wanted)]);
  const ended: Parcel[] = [];
  await concurrently(parcels, context.settings.maxConcurrentPosts, async (parcel) => {
    try {
      if ((await sendParcel(context, parcel, routes.get(parcel.key.clientId))) === 'ended')
        ended.push(parcel);
    } catch (error) {
      if (failed === undefined) throw error;
      failed(parcel, error);
    }
  });
  // Nobody has tidied up behind them: a timer was lost, or a subscription came late.
  for (const { key, generation } of ended) await context.sessionEnded(key, generation);
  return ended;
}

async function sendParcel(
  context: Context,
  { key, generation, atMostOnce, queued }: Parcel,
  route: Route | undefined,
): Promise<'sent' | 'ended'> {
  const posted =
    atMostOnce.length > 0 && route?.generation === generation
      ? postAtMostOnce(context, key, route, atMostOnce)
      : undefined;
  const [outcome] = await Promise.all([
    queued.length > 0 ? enqueue(context, key, generation, queued) : undefined,
    posted,
  ]);
  return outcome === 'ended' ? 'ended' : 'sent';
}
