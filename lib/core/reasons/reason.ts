import type { ReasonCodeName, reasonCodes } from '../../mqtt/reason-codes.ts';

/**
 * A reason code of MQTT 5.0 (table 2-6), so that a number that the specification does not have is a
 * type error.
 */
export type ReasonCodeNumber = (typeof reasonCodes)[ReasonCodeName]['code'];

/** One entry of the catalogue of reasons. */
export interface Reason {
  /**
   * MQTT 5.0 reason code of CONNACK, PUBACK, PUBREC or SUBACK; absent: no MQTT packet carries it.
   */
  readonly reasonCode?: ReasonCodeNumber;
  /** MQTT 5.0 reason code of DISCONNECT, where it is another than `reasonCode`. */
  readonly disconnectCode?: ReasonCodeNumber;
  /**
   * What MQTT 3.1.1 gets, where it is not the CONNACK return code that `connackReturnCode` derives:
   * 0x80 in SUBACK, or the close of the connection.
   */
  readonly v3?: 0x80 | 'close';
  /** HTTP status of the problem document; absent: no HTTP API answers with it. */
  readonly http?: number;
  /**
   * What happened, in one line without a full stop. Safe to log and to send: it holds no secret and
   * no client data.
   */
  readonly message: string;
  /** What the reader of the code can do about it. */
  readonly remedy: string;
}

/**
 * Adds what to do, and the HTTP status, to a table of a layer below core. A missing or an unknown
 * code is a type error.
 */
export function withRemedies<
  Table extends Readonly<Record<string, Pick<Reason, 'reasonCode' | 'message'>>>,
  Remedies extends Readonly<Record<keyof Table, Pick<Reason, 'v3' | 'http' | 'remedy'>>>,
>(table: Table, remedies: Remedies): { readonly [Code in keyof Table]: Table[Code] & Remedies[Code] } {
  const codes = Object.keys(table) as (keyof Table & string)[];
  return Object.fromEntries(codes.map((code) => [code, { ...table[code], ...remedies[code] }])) as never;
}

/** The message of a reason, with a detail behind it where there is one. */
export function withDetail({ message }: Pick<Reason, 'message'>, detail?: string): string {
  return detail === undefined ? message : `${message}: ${detail}`;
}
