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
}

export interface Explanation {
  readonly findings: readonly Finding[];
  readonly recipients: readonly Recipient[];
  readonly next?: string;
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
