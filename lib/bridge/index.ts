/**
 * The bridge connects stock MQTT clients (TCP, TLS, binary WebSocket) to the wire profile. Of
 * packets it knows boundaries, CONNECT's header, and its own keep-alive. It keeps no state, so any
 * number of bridges can run.
 *
 * [MQTT-7.0.0-2 v3]
 */
import { startListeners } from '../listeners/index.ts';
import { admitUpstream } from './admission.ts';
import type { Bridge, BridgeOptions } from './options.ts';
import { createUpstreamConnector } from './upstream.ts';

export {
  type CertificateFiles,
  type Certificates,
  readCertificates,
  watchCertificates,
} from '../listeners/certificates.ts';
export { logClient } from '../listeners/log-client.ts';
export { type ListenerTls as BridgeTls, listenerRefusals } from '../listeners/options.ts';
export {
  type Bridge,
  type BridgeLogEntry,
  type BridgeOptions,
  type BridgeRefusal,
  bridgeRefusals,
} from './options.ts';

/**
 * Starts the listeners of `options`, of which there must be at least one.
 *
 * @throws the error of the listener that failed, such as `code` EADDRINUSE with `port`, or
 *   OpenSSL's if it cannot use the certificates. All listeners are closed then.
 */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const connect = createUpstreamConnector(options.upstreamUrl, options.WebSocket);
  return startListeners(options, {
    admit: (credentials, report) => admitUpstream(connect(credentials), report),
  });
}
