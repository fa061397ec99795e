/**
 * Stable codes of everything that can be wrong with a frame.
 * - `bad-base64`: length, alphabet, padding, or bits set beyond the last byte
 * - `bad-frame`: empty, or a form that the direction does not have
 * - `frame-too-large`: more than 24,000 raw bytes in one text message
 * - `bad-length`: malformed MQTT remaining length (more than four bytes)
 * - `partial-packet`: ends inside a packet
 * - `packet-too-large`: more than 131,072 bytes in one packet
 * - `bad-chunk`: a chunk's header or size is wrong, or chunks do not fit together
 * - `too-many-unfinished`: more unfinished packets than the receiver holds
 */
export type WireErrorCode =
  | 'bad-base64'
  | 'bad-frame'
  | 'frame-too-large'
  | 'bad-length'
  | 'partial-packet'
  | 'packet-too-large'
  | 'bad-chunk'
  | 'too-many-unfinished';

/** A violation of the profile, as a value. */
export interface WireError {
  readonly kind: 'invalid';
  readonly code: WireErrorCode;
  /** The code. It holds no content of the frame; texts would make the browser adapter larger. */
  readonly message: string;
}

export function wireError(code: WireErrorCode): WireError {
  return { kind: 'invalid', code, message: code };
}
