import type { Duplex } from 'node:stream';

/** CONNECT, the first packet of MQTT over TCP. */
const mqttConnectByte = 0x10;
/** Content type of TLS: handshake. */
const tlsHandshakeByte = 0x16;

/**
 * Answers bytes that are no HTTP as Node does by default, with 400, and logs which protocol a
 * client speaks that has taken this port for another.
 */
export function refuseOtherProtocols(log: (line: object) => void) {
  return (error: Error & { readonly rawPacket?: Uint8Array }, stream: Duplex): void => {
    const first = error.rawPacket?.[0];
    if (first === mqttConnectByte) log({ event: 'otherProtocol', code: 'mqtt-at-gateway' });
    if (first === tlsHandshakeByte) log({ event: 'otherProtocol', code: 'tls-on-plain-port' });
    if (stream.writable) stream.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else stream.destroy();
  };
}
