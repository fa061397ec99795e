import { metrics } from '../core/metrics.ts';
import type { ListenerRefusal } from '../listeners/options.ts';

const { edgeClientsOverBounds, edgeClientsSlow, edgeClientsRefused } = metrics;

/** The counter of each reason for which listeners refuse or end a client. */
export const refusalCounters = {
  'bridge-full': edgeClientsOverBounds,
  'address-full': edgeClientsOverBounds,
  'tls-rate': edgeClientsOverBounds,
  'connect-late': edgeClientsSlow,
  'slow-client': edgeClientsSlow,
  'buffers-full': edgeClientsSlow,
  'not-mqtt': edgeClientsRefused,
  'tls-on-plain-port': edgeClientsRefused,
  'tls-failed': edgeClientsRefused,
  'certificate-refused': edgeClientsRefused,
  'text-frame': edgeClientsRefused,
  'adapter-at-bridge': edgeClientsRefused,
  'handshake-refused': edgeClientsRefused,
  'packet-too-large': edgeClientsRefused,
} as const satisfies Readonly<Record<ListenerRefusal, string>>;
