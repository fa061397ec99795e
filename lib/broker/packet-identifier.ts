/** Packet identifiers are 1 … 65,535 [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5]. */
export const maxPacketIdentifier = 65_535;

/** The packet identifier of a queued message: a function of its sequence, so an acknowledgement names its row. */
export function packetIdentifierOf(sequence: number): number {
  return ((sequence - 1) % maxPacketIdentifier) + 1;
}

/** Where an identifier stands in the circle, counted from the oldest that may be in use, when `newestSequence` is given. */
export function ageOrder(packetIdentifier: number, newestSequence: number): number {
  const newest = newestSequence % maxPacketIdentifier;
  return (packetIdentifier - newest - 1 + 2 * maxPacketIdentifier) % maxPacketIdentifier;
}
