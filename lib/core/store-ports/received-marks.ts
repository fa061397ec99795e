import type { ClientKey } from '../model.ts';

/**
 * Packet identifiers of inbound QoS 2 messages that wait for PUBREL, kept with the publisher's
 * session.
 */
export interface ReceivedMarkStore {
  /**
   * Marks a packet identifier as received under a message id. A mark of another generation is
   * replaced.
   * @returns the message id that was stored first and whether it is this call's. A PUBLISH that is
   *   sent again after a crash gets the first id and is distributed under it.
   */
  put(
    key: ClientKey,
    generation: string,
    packetIdentifier: number,
    messageId: string,
  ): Promise<{ messageId: string; first: boolean }>;
  /** @returns whether the mark existed. */
  delete(key: ClientKey, generation: string, packetIdentifier: number): Promise<boolean>;
  /** Number of marks, strongly consistent, counted up to `limit`. */
  count(key: ClientKey, limit: number): Promise<number>;
}
