import type { Client } from './client.ts';
import type { World } from './world.ts';

/** Text of message `number` of a publisher; invariants derive order and loss from it. */
export function textOf(publisher: Client, number: number): string {
  return `${publisher.options.id}:${number}`;
}

/**
 * A subscriber whose session has survived the race has received every message that was acknowledged
 * to its publisher: at QoS 1 at least once, at QoS 2 exactly once, first deliveries in publishing
 * order.
 */
export function checkDeliveries(
  world: World,
  subscriber: Client,
  publishers: readonly Client[],
  qos: 1 | 2,
  topic?: string,
): void {
  for (const publisher of publishers) {
    const prefix = `${publisher.options.id}:`;
    for (const text of publisher.acknowledged) {
      if (!text.startsWith(prefix)) continue;
      checkArrival(world, subscriber, text, { qos, topic });
    }
    checkOrder(world, subscriber, prefix, topic);
    if (!publisher.idle)
      world.violation(
        `${publisher.options.id} has no acknowledgement for ${publisher.unacknowledged.join(', ')}`,
      );
  }
}

/** A message that has been acknowledged has come: at QoS 1 at least once, at QoS 2 exactly once. */
export function checkArrival(
  world: World,
  subscriber: Client,
  text: string,
  { qos, topic }: { readonly qos: 1 | 2; readonly topic?: string | undefined },
): void {
  const times = subscriber.arrivals.filter(
    (arrival) => arrival.text === text && (topic === undefined || arrival.topic === topic),
  ).length;
  if (times === 0) world.violation(`${subscriber.options.id}: "${text}" is lost`);
  if (qos === 2 && times > 1) world.violation(`${subscriber.options.id}: "${text}" came ${times} times`);
}

/** First deliveries of each publisher in the order of publishing [MQTT-4.6.0-6 v3+v5]. */
function checkOrder(world: World, subscriber: Client, prefix: string, topic?: string): void {
  const first = new Set(
    subscriber.arrivals
      .filter(
        (arrival) => arrival.text.startsWith(prefix) && (topic === undefined || arrival.topic === topic),
      )
      .map((arrival) => Number(arrival.text.slice(prefix.length))),
  );
  const numbers = [...first];
  if (numbers.some((number, index) => number < (numbers[index - 1] ?? 0)))
    world.violation(`${subscriber.options.id}: order of ${prefix} is ${numbers.join(' ')}`);
}

/** The queue of an online session that has acknowledged everything is empty. */
export function checkEmptyQueues(world: World): void {
  for (const row of world.db.rows('sessions', 'q#'))
    world.violation(`left in a queue: ${row.session?.S} ${row.kind?.S} ${row.generation?.S}`);
}

/** Every publisher has completed its exchanges, so no mark of a QoS 2 message is left. */
export function checkNoMarks(world: World): void {
  for (const row of world.db.rows('sessions', 'r#'))
    world.violation(`left: ${row.session?.S} ${row.kind?.S}`);
}
