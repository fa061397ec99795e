/** Answers of the admin API about topics; docs/openapi.json is complete. */

export interface Finding {
  readonly code: string;
  readonly text: string;
}

export interface Recipient {
  readonly clientId: string;
  readonly filter: string;
  readonly qos: number;
  readonly online: boolean;
  readonly outcome: 'sent' | 'queued' | 'perhaps' | 'dropped';
  readonly findings: readonly Finding[];
  readonly queue?: { readonly messages: number; readonly bound: number };
  /** Whether it may publish to the topic itself; absent: it has no connection. */
  readonly mayPublish?: boolean;
}

export interface Explanation {
  readonly findings: readonly Finding[];
  /** Absent where one client is asked about. */
  readonly recipients?: readonly Recipient[];
  readonly next?: string;
  /** The client that is asked about. */
  readonly client?: {
    readonly clientId: string;
    readonly receives: 'yes' | 'later' | 'perhaps' | 'no';
    readonly findings: readonly Finding[];
    readonly subscriptions: readonly Recipient[];
    /** Its filters that nearly match, with the first level that differs. */
    readonly nearest: readonly { readonly filter: string; readonly level: number; readonly text: string }[];
  };
  readonly retained?: { readonly qos: number; readonly payloadBytes: number };
  readonly rules: readonly {
    readonly name: string;
    readonly filter: string;
    readonly status: string;
    readonly hasPattern: boolean;
  }[];
}

export interface RetainedSummary {
  readonly topic: string;
  readonly qos: number;
  readonly payloadBytes: number;
  readonly expiresAt?: string;
  readonly publisher?: string;
}

export interface RetainedMessage extends RetainedSummary {
  readonly payload: string;
  readonly encoding: 'utf8' | 'base64';
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: string;
  readonly userProperties?: readonly (readonly [string, string])[];
}
