/** Answers of the admin API about rules; docs/openapi.json is complete. */

export interface RuleSummary {
  readonly name: string;
  readonly filter: string;
  readonly where?: string;
  readonly send: { readonly form: 'envelope' | 'payload' | 'template'; readonly template?: string };
  readonly target: RuleTarget;
  readonly status: 'active' | 'paused';
  readonly retryHours: number;
  /** `sub` of the token that has created it; absent: an operator has. */
  readonly owner?: string;
  readonly createdAt: string;
  readonly revision: number;
  readonly circuit: { readonly failures: number; readonly openUntil?: string };
  readonly lastFailure?: { readonly code: string; readonly message: string; readonly at: string };
}

/** Further members depend on the kind. */
export type RuleTarget = Readonly<Record<string, unknown>> & { readonly kind: string };

interface Count {
  readonly count: number;
  /** There are more. */
  readonly more: boolean;
}

export interface Rule extends RuleSummary {
  /** Absent: the target needs none. Without `since` there is none yet. */
  readonly secret?: { readonly since?: string; readonly hasPrevious: boolean };
  readonly waiting: Count;
  readonly failures: Count;
}

export interface RuleFailure {
  readonly id: string;
  readonly topic: string;
  readonly code?: string;
  readonly message?: string;
  readonly clientId?: string;
  readonly payloadBytes: number;
  readonly publishedAt: string;
  readonly failedAt: string;
}

/** What a rule would do with a message. */
export type Rehearsal =
  | { readonly selected: false; readonly because: string }
  | { readonly selected: true; readonly failure: { readonly code: string; readonly message: string } }
  | {
      readonly selected: true;
      readonly failure?: undefined;
      readonly would: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly encoding: 'utf8' | 'base64';
    };
