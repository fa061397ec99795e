/** Answers of the admin API about clients; docs/openapi.json is complete. */

export interface ClientSummary {
  readonly clientId: string;
  readonly online: boolean;
  readonly protocolVersion: string;
  readonly sessionExpirySeconds: number;
  readonly sessionExpiresAt?: string;
  readonly connectsThisHour: number;
}

export interface ClientSubscription {
  /** With `$share/name/` where it is shared. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly subscriptionIdentifier?: number;
}

export interface Client extends ClientSummary {
  readonly queuedMessages: number;
  readonly subscriptions: readonly ClientSubscription[];
  readonly connection?: {
    readonly connectionId: string;
    readonly connectedAt: string;
    readonly keepAliveSeconds: number;
    readonly subject?: string;
    readonly username?: string;
    readonly tokenExpiresAt?: string;
  };
}

export interface Ban {
  readonly clientId: string;
  readonly at: string;
  readonly until: string;
  /** "operator", or the rule that has banned it. */
  readonly by: string;
  readonly reason?: string;
}

/** A temporary client that may only subscribe. */
export interface Observer {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly expiresAt: string;
}

/** A decision about a traced client; further members depend on the step. */
export interface TraceLine {
  readonly at: string;
  readonly client: string;
  readonly step: string;
  readonly code?: string;
  readonly leftOut?: number;
}
