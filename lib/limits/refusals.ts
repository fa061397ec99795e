import type { Context } from '../core/context.ts';
import { escapeControls } from '../core/escape-controls.ts';
import type { ReasonName } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { takeLogLine } from './rare-log.ts';

/** What was refused or dropped. */
type RefusedThing =
  /** A WebSocket handshake, or the connection of a stranger. */
  | 'handshake'
  | 'connect'
  /** A connection that was ended. */
  | 'connection'
  /** A packet of a client that is no PUBLISH. */
  | 'packet'
  /** A message on its way in. */
  | 'publish'
  /** A message on its way to a client. */
  | 'delivery'
  | 'will'
  /** A filter of SUBSCRIBE or UNSUBSCRIBE, or a subscription that was removed. */
  | 'filter'
  /** A request to an HTTP API. */
  | 'request';

/** Something that was refused or dropped. */
export interface RefusalNote {
  readonly code: ReasonName;
  readonly what: RefusedThing;
  /** A tenant that a verified token or an operator has named, never what a stranger calls it. */
  readonly tenant?: TenantId;
  readonly clientId?: string;
  /** The connection. Without one, a line is logged once a minute for each client and code. */
  readonly connection?: string;
  /** IP address of the client, where this process holds its socket. */
  readonly address?: string;
  /** The message of the refusal: see {@link Refusal.message}. */
  readonly reason?: string;
  /** Topic name or filter. */
  readonly topic?: string;
  /** HTTP status that was answered, or close code. */
  readonly status?: number;
  /** How many. Default 1. */
  readonly count?: number;
  /**
   * MQTT wants it so: counted and traced, but not logged, because its lines would crowd out those
   * of refusals.
   */
  readonly isUsual?: boolean;
}

/** The part of the context that noting needs; a handshake meters no usage. */
export interface NotingContext extends Pick<Context, 'log' | 'clock'> {
  readonly usage?: Pick<Context['usage'], 'countRefusal'>;
  readonly traces?: Pick<Context['traces'], 'note'>;
  readonly settings: Pick<Context['settings'], 'refusalLinesPerMinute'>;
}

/** Characters of a client identifier, topic or filter that a log line shows. */
const maxShownCharacters = 128;

/**
 * Refusals that end with their tenant. Usage of it must not be written: it may be being deleted,
 * and its rows would come back.
 */
const endedTenants: ReadonlySet<ReasonName> = new Set([
  'tenant-unknown',
  'tenant-suspended',
  'tenant-inactive',
]);

/**
 * Notes that a packet, message or connection was refused or dropped. Every place that does so with
 * a code of the catalogue calls it, once: a packet whose refusal ends the connection is noted with
 * the connection.
 *
 * - Counts it by its code (`Refusals`), and in the usage of its tenant.
 * - Logs it at `info`, once for each connection and code, at most `refusalLinesPerMinute` in a
 *   process; the next line says how many were left out (`leftOut`).
 * - Tells it of a client that is traced. The end of a connection has a line of its own.
 *
 * Never pass a payload, a token or a user property.
 */
export function noteRefusal(context: NotingContext, note: RefusalNote): void {
  const { code, tenant, count = 1 } = note;
  if (count <= 0) return;
  context.log.countRefusal(code, count);
  if (tenant !== undefined && !endedTenants.has(code)) context.usage?.countRefusal(tenant, code, count);
  if (note.isUsual !== true) logRefusal(context, note);
  traceRefusal(context, note);
}

function traceRefusal({ traces }: NotingContext, note: RefusalNote): void {
  const { code, what, tenant, clientId, connection, reason, topic, count } = note;
  if (tenant === undefined || clientId === undefined || what === 'connection') return;
  traces?.note({ tenant, clientId }, what === 'delivery' ? 'dropped' : 'refused', {
    code,
    ...(what === 'delivery' ? {} : { what }),
    ...(reason === undefined ? {} : { reason }),
    ...(connection === undefined ? {} : { connection }),
    ...(topic === undefined ? {} : what === 'filter' ? { filter: topic } : { topic }),
    ...(count === undefined || count === 1 ? {} : { count }),
  });
}

/** The line of {@link noteRefusal} alone, for what is counted elsewhere. */
export function logRefusal(context: NotingContext, note: RefusalNote): void {
  const { code, what, tenant, clientId, connection, address, reason, topic, status, count } = note;
  const subject = JSON.stringify([connection ?? [tenant, clientId, address], code]);
  const { refusalLinesPerMinute: linesPerMinute } = context.settings;
  const leftOut = takeLogLine(context, subject, { linesPerMinute, isLasting: connection !== undefined });
  if (leftOut === undefined) return;
  context.log.info('refused', {
    code,
    what,
    ...(reason === undefined ? {} : { reason }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(clientId === undefined ? {} : { clientId: shown(clientId) }),
    ...(connection === undefined ? {} : { connection }),
    ...(address === undefined ? {} : { address }),
    ...(status === undefined ? {} : { status }),
    ...(topic === undefined ? {} : { topic: shown(topic) }),
    ...(count === undefined || count === 1 ? {} : { count }),
    ...(leftOut === 0 ? {} : { leftOut }),
  });
}

/** Text of a client, cut and harmless. */
function shown(text: string): string {
  const characters = [...text.slice(0, 2 * maxShownCharacters)];
  const cut = characters.slice(0, maxShownCharacters).join('');
  return escapeControls(cut.length < text.length ? `${cut}…` : cut);
}
