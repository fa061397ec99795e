import { connackReturnCode, reasonText } from '../mqtt/reason-codes.ts';
import { connectionReasons } from './reasons/connections.ts';
import { consoleReasons } from './reasons/console.ts';
import { deliveryReasons } from './reasons/deliveries.ts';
import { httpReasons } from './reasons/http.ts';
import { issuerReasons } from './reasons/issuers.ts';
import { operationReasons } from './reasons/operations.ts';
import { packetReasons } from './reasons/packets.ts';
import { publishingReasons } from './reasons/publishing.ts';
import { type Reason, type ReasonCodeNumber, withDetail } from './reasons/reason.ts';
import { ruleReasons } from './reasons/rules.ts';
import { authenticationReasons, tokenReasons } from './reasons/tokens.ts';
import { toolReasons } from './reasons/tools.ts';
import { topicReasons } from './reasons/topics.ts';

export type { Reason } from './reasons/reason.ts';

/**
 * The catalogue of reasons: every code with which Wisp refuses, ends or fails something.
 * docs/errors.md is written from it: `npx vitest run test/core/reasons.test.ts -u`.
 *
 * How to use it:
 * - Refuse over MQTT with `refusal('token-expired')`, or with a detail:
 *   `refusal('claims-malformed', '"sub" is not a text')`. The result is plain data: `{ code,
 *   reasonCode, message }`.
 * - On a living connection the reason code is `disconnectCode(code)`.
 * - Refuse over HTTP with `new Problem('tenant-exists')` (lib/http/problem.ts); the status comes
 *   from here.
 * - Type a code as `ReasonName`, never as `string`: the compiler then finds a misspelt or missing
 *   code.
 * - Write codes out; a code that is built from a template cannot be searched for.
 * - lib/auth takes its own tables (`tokenReasons`, `issuerReasons`), so that the function behind
 *   `$connect` does not load the whole catalogue.
 * - A new code is a new entry in `lib/core/reasons/`, with what the reader can do about it. The
 *   pure layers (lib/mqtt, lib/wire, lib/topics) lie below this one and own their codes; the
 *   catalogue must cover all of them.
 */
export const reasons = {
  ...tokenReasons,
  ...authenticationReasons,
  ...issuerReasons,
  ...packetReasons,
  ...topicReasons,
  ...connectionReasons,
  ...publishingReasons,
  ...deliveryReasons,
  ...ruleReasons,
  ...httpReasons,
  ...operationReasons,
  ...toolReasons,
  ...consoleReasons,
} as const satisfies Readonly<Record<string, Reason>>;

/** The closed set of codes. */
export type ReasonName = keyof typeof reasons;

/** Codes with a MQTT reason code. */
export type MqttReasonName = {
  [Name in ReasonName]: (typeof reasons)[Name] extends { readonly reasonCode: number } ? Name : never;
}[ReasonName];

/** Codes with an HTTP status. */
export type HttpReasonName = {
  [Name in ReasonName]: (typeof reasons)[Name] extends { readonly http: number } ? Name : never;
}[ReasonName];

/**
 * Codes with which the verification of a token can fail; each has an MQTT reason code and an HTTP
 * status.
 */
export type TokenReasonName = keyof typeof tokenReasons;

export type HttpStatus = (typeof reasons)[HttpReasonName]['http'];

/** A refusal in the form that every layer passes on. */
export interface Refusal<Name extends MqttReasonName = MqttReasonName> {
  readonly code: Name;
  /** MQTT 5.0 reason code of CONNACK, PUBACK, PUBREC or SUBACK. */
  readonly reasonCode: number;
  /** For the log and the client. */
  readonly message: string;
}

/** @param detail names what is wrong; it must hold no secret and no client data. */
export function refusal<Name extends MqttReasonName>(code: Name, detail?: string): Refusal<Name> {
  return { code, reasonCode: reasons[code].reasonCode, message: reasonMessage(code, detail) };
}

/** The message of a code, with a detail behind it where there is one. */
export function reasonMessage(code: ReasonName, detail?: string): string {
  return withDetail(reasons[code], detail);
}

/**
 * The reason code that ends a living connection; 0x87 where DISCONNECT cannot carry that of
 * CONNACK.
 */
export function disconnectCode(code: MqttReasonName): ReasonCodeNumber {
  const { reasonCode, disconnectCode = reasonCode }: Reason = reasons[code];
  const allowed = disconnectCode !== undefined && reasonText('disconnect', disconnectCode) !== undefined;
  return allowed ? disconnectCode : 0x87;
}

/** What MQTT 3.1.1 gets: a CONNACK return code, 0x80 in SUBACK, or the close of the connection. */
export function v3Answer(code: MqttReasonName): number | 'close' {
  const { reasonCode, v3 }: Reason = reasons[code];
  return v3 ?? (reasonCode === undefined ? undefined : connackReturnCode(reasonCode)) ?? 'close';
}
