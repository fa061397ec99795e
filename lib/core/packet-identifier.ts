/**
 * Highest packet identifier that Wisp assigns: a multiple of 8, because a row of the queue takes 8
 * numbers and must stay whole when identifiers wrap around. [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5]
 */
export const maxPacketIdentifier = 65_528;

/**
 * The packet identifier of a queued message. It is a function of the sequence, so an
 * acknowledgement names the queue row without a read.
 */
export function packetIdentifierOf(sequence: number): number {
  return ((sequence - 1) % maxPacketIdentifier) + 1;
}

/** Position of an identifier in the wrap-around order: 0 is the oldest that may be in use. */
export function ageOrder(packetIdentifier: number, newestSequence: number): number {
  const newest = newestSequence % maxPacketIdentifier;
  return (packetIdentifier - newest - 1 + 2 * maxPacketIdentifier) % maxPacketIdentifier;
}
