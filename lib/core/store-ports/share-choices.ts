import type { ClientKey } from '../model.ts';

/**
 * Members of shared subscriptions that were chosen for QoS 2 messages, kept with the publisher's
 * session so that a second try reaches the same member.
 */
export interface ShareChoiceStore {
  /**
   * Stores `choice` under `name`. The first choice stays, unless it equals `failed`.
   * @returns the choice that is stored now.
   */
  keep(publisher: ClientKey, name: string, choice: string, failed: string | undefined): Promise<string>;
}
