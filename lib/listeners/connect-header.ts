/** The broker's bound of an MQTT packet. */
const maxPacketBytes = 131_072;

/** Protocol names with their lengths: MQTT 3.1.1 and 5.0, MQTT 3.1. */
const protocolNames = ['\0\u0004MQTT', '\0\u0006MQIsdp'].map((name) => Buffer.from(name, 'latin1'));
/** Protocol level, flags and keep-alive. */
const afterNameBytes = 4;

/** What listeners must know of CONNECT. */
export interface ConnectHeader {
  /** 3, 4 or 5, without bit 7 (a bridge); the broker refuses other levels. */
  readonly protocolLevel: number;
  readonly keepAliveSeconds: number;
  /** Length of the whole packet. */
  readonly packetBytes: number;
  /** Whether the broker takes so large a packet. */
  readonly size: 'fits' | 'too-large';
}

/**
 * Reads the fixed and the variable header of CONNECT at the start of what a client has written. The
 * protocol level and the flags are the broker's to judge: it answers them with CONNACK.
 *
 * [MQTT-3.1.0-1 v3+v5]
 */
export function readConnectHeader(bytes: Uint8Array): ConnectHeader | 'incomplete' | 'not-connect' {
  if (bytes[0] !== 0x10) return 'not-connect';
  // The remaining length has at most four bytes and ends with its first byte below 128.
  const nameAt = bytes.findIndex((byte, index) => index > 0 && byte < 128) + 1;
  if (nameAt > 5 || (nameAt === 0 && bytes.length > 4)) return 'not-connect';
  if (nameAt === 0) return 'incomplete';
  const remaining = bytes.subarray(1, nameAt).reduceRight((sum, byte) => sum * 128 + (byte & 127), 0);
  const begun = bytes.subarray(nameAt);
  const name = protocolNames.find((bytes) =>
    bytes.subarray(0, begun.length).equals(begun.subarray(0, bytes.length)),
  );
  if (name === undefined) return 'not-connect';
  const headerBytes = nameAt + name.length + afterNameBytes;
  if (nameAt + remaining < headerBytes) return 'not-connect';
  if (bytes.length < headerBytes) return 'incomplete';
  const [level = 0, , high = 0, low = 0] = begun.subarray(name.length);
  const packetBytes = nameAt + remaining;
  const size = packetBytes > maxPacketBytes ? 'too-large' : 'fits';
  return { protocolLevel: level & 0x7f, keepAliveSeconds: high * 256 + low, packetBytes, size };
}
