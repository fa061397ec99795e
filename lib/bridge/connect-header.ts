import { maxPacketBytes, packetLength } from '../wire/index.ts';

/** Protocol names with their lengths: MQTT 3.1.1 and 5.0, MQTT 3.1. */
const protocolNames = ['\0\u0004MQTT', '\0\u0006MQIsdp'].map((name) => Buffer.from(name, 'latin1'));
/** Protocol level, flags and keep-alive. */
const afterNameBytes = 4;

/**
 * Reads the fixed and the variable header of CONNECT at the start of what a client has written. The
 * protocol level and the flags are the broker's to judge: it answers them with CONNACK.
 *
 * [MQTT-3.1.0-1 v3+v5]
 */
export function readConnectHeader(bytes: Uint8Array): 'complete' | 'incomplete' | 'not-connect' {
  if (bytes[0] !== 0x10) return 'not-connect';
  const length = packetLength(bytes);
  if (length < 0 || length > maxPacketBytes) return 'not-connect';
  if (length === 0) return 'incomplete';
  // The remaining length ends with its first byte below 128.
  const nameAt = bytes.findIndex((byte, index) => index > 0 && byte < 128) + 1;
  const begun = bytes.subarray(nameAt);
  const name = protocolNames.find((bytes) =>
    bytes.subarray(0, begun.length).equals(begun.subarray(0, bytes.length)),
  );
  if (name === undefined) return 'not-connect';
  const headerBytes = nameAt + name.length + afterNameBytes;
  if (length < headerBytes) return 'not-connect';
  return bytes.length < headerBytes ? 'incomplete' : 'complete';
}

/** Protocol level in the bytes that begin a connection; 0 where they do not hold it. */
export function protocolLevel(bytes: Uint8Array): number {
  const nameAt = bytes.findIndex((byte, index) => index > 0 && byte < 128) + 1;
  const nameBytes = bytes[nameAt + 1] ?? 0;
  return bytes[nameAt + 2 + nameBytes] ?? 0;
}
