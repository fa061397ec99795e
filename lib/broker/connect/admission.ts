import type { Context } from '../../core/context.ts';
import type { Connection, ConnectionAddress, TenantLive, Will } from '../../core/model.ts';
import type { Identity, Permissions } from '../../core/permissions.ts';
import type { EffectiveQuotas } from '../../core/quotas.ts';
import type { Refusal } from '../../core/reasons.ts';
import type { PeerState } from '../../core/store-ports/connections.ts';
import type { ConnectPacket } from '../../mqtt/index.ts';
import type { Opened } from '../../sessions/open-session.ts';

/** A CONNECT as it came. */
export interface Connecting {
  readonly address: ConnectionAddress;
  readonly state: PeerState;
  readonly packet: ConnectPacket;
}

/** The client has proved its identity. */
export interface Authenticated extends Connecting {
  readonly identity: Identity;
}

/** The client has its identifier. */
export interface Named extends Authenticated {
  readonly clientId: string;
  /** Whether the server chose the identifier, so that CONNACK must tell it. */
  readonly isAssigned: boolean;
}

/** The client has the permissions and quotas of its token. */
export interface Permitted extends Named {
  /** The tenant's row, read consistently. */
  readonly live: TenantLive;
  readonly permissions: Permissions;
  /** The tenant's quotas as the token narrows them for this client. */
  readonly quotas: EffectiveQuotas;
}

/** The client may leave this Will. */
export interface WillJudged extends Permitted {
  readonly will: Will | undefined;
}

/** The connection row is composed; until the session is open, its generation is the address. */
export interface Described extends WillJudged {
  readonly connection: Connection;
}

/** The connection holds the session. */
export interface Holding extends Described {
  readonly opened: Opened;
}

export interface Refused {
  readonly refusal: Refusal;
  /** What was known of the client when it was refused. */
  readonly known?: Partial<Named>;
}

/** Extends what is known of a connecting client, or refuses it. */
export type Step<Known, Next extends Known> = (
  context: Context,
  known: Known,
) => Next | Refused | Promise<Next | Refused>;
