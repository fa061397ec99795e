/** Packets with which listeners, and what serves behind them, refuse or end a client. */

/** Reason codes of MQTT 5.0 that they give. */
export const reasonCode = {
  malformedPacket: 0x81,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  keepAliveTimeout: 0x8d,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  connectionRateExceeded: 0x9f,
} as const;

/** CONNACK that refuses. Before 5.0 there are only "not authorized" and "server unavailable". */
export function refusingConnack(protocolLevel: number, code: number): Uint8Array {
  if (protocolLevel === 5) return Uint8Array.of(0x20, 3, 0, code, 0);
  const isAboutToken = code === reasonCode.notAuthorized;
  return Uint8Array.of(0x20, 2, 0, isAboutToken ? 5 : 3);
}

/** DISCONNECT of MQTT 5.0. Earlier versions cannot be told. */
export function disconnectPacket(code: number): Uint8Array {
  return Uint8Array.of(0xe0, 1, code);
}
