import type { DeliveryOutcome, RuleDelivery } from '../target.ts';

/**
 * Sends one delivery after another, so that their order holds. The first one that is not over stops
 * the rest: they get the same outcome.
 */
export async function oneByOne(
  deliveries: readonly RuleDelivery[],
  send: (delivery: RuleDelivery) => Promise<DeliveryOutcome>,
): Promise<DeliveryOutcome[]> {
  const outcomes: DeliveryOutcome[] = [];
  for (const delivery of deliveries) {
    const last = outcomes.at(-1);
    outcomes.push(last === undefined || isOver(last) ? await send(delivery) : last);
  }
  return outcomes;
}

/** Whether a delivery holds up none behind it. */
export function isOver({ kind }: DeliveryOutcome): boolean {
  return kind === 'delivered' || kind === 'refused';
}
