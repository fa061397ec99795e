/**
 * Numbers that one row of a queue takes. A message that is stored by itself has the first of them; up to seven small ones
 * that are queued together share a row and have the last. So an identifier tells its row, and whether it is alone there.
 */
export const numbersPerRow = 8;
/** Messages that may share a row. */
export const maxEntriesPerRow = numbersPerRow - 1;

/**
 * Packet identifiers are 1 … 65,535 [MQTT-2.3.1-1 v3, MQTT-2.2.1-3 v5]; those up to here are given, so that rows stay
 * whole when they go round.
 */
export const maxPacketIdentifier = 65_528;

/** The packet identifier of a queued message: a function of its sequence, so an acknowledgement names its row. */
export function packetIdentifierOf(sequence: number): number {
  return ((sequence - 1) % maxPacketIdentifier) + 1;
}

/** Where an identifier stands in the circle, counted from the oldest that may be in use, when `newestSequence` is given. */
export function ageOrder(packetIdentifier: number, newestSequence: number): number {
  const newest = newestSequence % maxPacketIdentifier;
  return (packetIdentifier - newest - 1 + 2 * maxPacketIdentifier) % maxPacketIdentifier;
}

/** Place of an identifier in its row: 0 stands alone, 1 … 7 share a row. */
export function slotOf(packetIdentifier: number): number {
  return (packetIdentifier - 1) % numbersPerRow;
}

/** The identifier by which the row of an identifier is known: its own, or that of the first place that is shared. */
export function rowIdentifierOf(packetIdentifier: number): number {
  const slot = slotOf(packetIdentifier);
  return slot === 0 ? packetIdentifier : packetIdentifier - slot + 1;
}

/**
 * Sequences of rows of messages. `first` is the first number of the first row, one more than a multiple of eight.
 * Messages that share a row have its last numbers: the last message is always in the last place.
 */
export function sequencesOf(first: number, rowLengths: readonly number[]): number[] {
  return rowLengths.flatMap((length, row) => {
    const base = first + row * numbersPerRow;
    if (length === 1) return [base];
    return Array.from({ length }, (_, index) => base + numbersPerRow - length + index);
  });
}
