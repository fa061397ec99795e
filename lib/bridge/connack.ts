import { reasonCode } from '../listeners/answers.ts';

/** The reason code for the HTTP status of a refused upstream handshake; none: nobody answered. */
export function reasonCodeOfStatus(status: number | undefined): number {
  if (status === 401 || status === 403) return reasonCode.notAuthorized;
  if (status === 429) return reasonCode.connectionRateExceeded;
  return reasonCode.serverUnavailable;
}

/** Whether CONNACK accepts the client. */
export function isAccepting(connack: Uint8Array): boolean {
  return connack[afterLength(connack) + 1] === 0;
}

/**
 * Finds the value of Server Keep Alive in a CONNACK of MQTT 5.0.
 *
 * @returns its two bytes, as a view; undefined if there is none, or if a property is unknown.
 */
export function serverKeepAlive(connack: Uint8Array): DataView | undefined {
  const view = new DataView(connack.buffer, connack.byteOffset, connack.byteLength);
  const lengthAt = afterLength(connack) + 2;
  let at = afterLength(connack.subarray(lengthAt - 1)) + lengthAt - 1;
  while (at < connack.length) {
    const property = connack[at] ?? 0;
    at += 1;
    if (property === 0x13)
      return at + 2 > connack.length ? undefined : new DataView(view.buffer, view.byteOffset + at, 2);
    const size = fixedSizes[property];
    if (size !== undefined) at += size;
    else {
      const texts = textCounts[property];
      if (texts === undefined) return undefined;
      for (let text = 0; text < texts && at + 2 <= connack.length; text += 1) at += 2 + view.getUint16(at);
    }
  }
  return undefined;
}

/** Properties of CONNACK with a fixed number of bytes (5.0 section 3.2.2.3). */
const fixedSizes: Readonly<Record<number, number>> = {
  17: 4,
  33: 2,
  34: 2,
  36: 1,
  37: 1,
  39: 4,
  40: 1,
  41: 1,
  42: 1,
};
/** Properties that are texts or binary data, and how many of them they hold. */
const textCounts: Readonly<Record<number, number>> = {
  18: 1,
  21: 1,
  22: 1,
  26: 1,
  28: 1,
  31: 1,
  38: 2,
};

/** Position behind a variable byte integer that begins at the second byte. */
function afterLength(bytes: Uint8Array): number {
  return bytes.findIndex((byte, index) => index > 0 && byte < 128) + 1;
}
