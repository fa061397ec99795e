/**
 * What a task of the edge runs (build/edge.ts): reads the environment of its container, starts the
 * edge, and drains it on SIGTERM. It exits with 1 where it cannot start or counts as dead, so that
 * the service starts another task.
 */
import { functionEnvironment } from '../aws/environment.ts';
import { createEnvironmentService } from '../aws/environment-service.ts';
import { createIds } from '../aws/ids.ts';
import { createPowertoolsLog } from '../aws/log.ts';
import { createSecretsManagerSource } from '../aws/secrets.ts';
import { edgeMaxSockets } from '../aws/settings.ts';
import { createRequestSigner, regionOfApi } from '../aws/signer.ts';
import { clientsFamily, counterFamilies, refusalFamily } from '../metrics/counters.ts';
import { countingLog } from '../metrics/counting-log.ts';
import { openMetricsText } from '../metrics/open-metrics.ts';
import { processFamilies } from '../metrics/process.ts';
import { createBackDoor } from './back-door.ts';
import { readCertificateSecret, watchCertificateSecret } from './certificate-secret.ts';
import { type EdgeEnvironment, edgeEnvironment } from './environment.ts';
import { type Edge, startEdge } from './index.ts';

const log = countingLog(createPowertoolsLog());

/** Of the time to stop: for clients that do not close, and the last writes. */
const reserveSeconds = 10;

let running: Edge | undefined;

async function main(): Promise<void> {
  const settings = edgeEnvironment(process.env);
  const loadCertificate = loaderOf(settings);
  const certificates = loadCertificate && (await readCertificateSecret(loadCertificate));
  const edge = await startEdge({
    edge: createIds(Date.now).unique(),
    log,
    host: settings.EDGE_HOST,
    maxConnections: settings.EDGE_MAX_CONNECTIONS,
    maxConnectionsPerAddress: settings.EDGE_MAX_CONNECTIONS_PER_ADDRESS,
    maxTlsHandshakesPerSecondPerAddress: settings.EDGE_TLS_HANDSHAKES_PER_SECOND,
    maxBufferedBytes: settings.EDGE_BUFFER_MEGABYTES * 1024 * 1024,
    ...portsOf(settings),
    ...(settings.EDGE_METRICS === 'on' ? { metricsOf } : {}),
    ...(certificates === undefined ? {} : { tls: { ...certificates, ...tlsPortsOf(settings) } }),
    compose(wrap) {
      const { broker, ...rest } = createEnvironmentService(functionEnvironment(process.env), {
        log,
        allowPrivateIssuers: false,
        client: { maxSockets: edgeMaxSockets },
        wrap,
      });
      return {
        broker,
        async flush() {
          await rest.flush();
          log.flush();
        },
      };
    },
    openBackDoor: createBackDoor({
      url: settings.BACK_DOOR_URL,
      sign: createRequestSigner(regionOfApi(settings.BACK_DOOR_URL) ?? process.env.AWS_REGION ?? ''),
    }),
    onDead: () => process.exit(1),
  });
  if (loadCertificate !== undefined && certificates !== undefined)
    watchCertificateSecret(
      loadCertificate,
      certificates,
      (changed) => edge.replaceCertificates(changed),
      (error) =>
        log.error('the certificate cannot be used', {
          code: 'certificate-unusable',
          error: messageOf(error),
        }),
    );
  log.info('edge started', { edge: edge.edge });
  running = edge;
}

function metricsOf(clients: number): string {
  return openMetricsText([
    ...counterFamilies(log),
    refusalFamily(log),
    clientsFamily(clients),
    ...processFamilies(),
  ]);
}

async function stop(edge: Edge, seconds: number): Promise<void> {
  log.info('edge drains', { edge: edge.edge, connections: edge.connections(), seconds });
  await edge.drain(Math.max(1, seconds - reserveSeconds));
  await edge.close();
  log.info('edge stopped', { edge: edge.edge });
  process.exit(0);
}

function portsOf(settings: EdgeEnvironment) {
  const { EDGE_MQTT_PORT: mqttPort, EDGE_WS_PORT: wsPort, EDGE_HEALTH_PORT: healthPort } = settings;
  return {
    ...(mqttPort === undefined ? {} : { mqttPort }),
    ...(wsPort === undefined ? {} : { wsPort }),
    ...(healthPort === undefined ? {} : { healthPort }),
  };
}

function tlsPortsOf({ EDGE_TLS_PORT: port, EDGE_WSS_PORT: wssPort }: EdgeEnvironment) {
  return { ...(port === undefined ? {} : { port }), ...(wssPort === undefined ? {} : { wssPort }) };
}

/** Reads the current version of the secret with the certificate; undefined: none is set. */
function loaderOf({ EDGE_CERTIFICATE_SECRET: arn }: EdgeEnvironment) {
  if (arn === undefined) return undefined;
  const source = createSecretsManagerSource();
  return async (): Promise<string | undefined> => {
    const [current] = await source.load(arn);
    return current === undefined ? undefined : String(current);
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}

process.once('SIGTERM', () => {
  // Before it serves anybody there is nothing to drain.
  if (running === undefined) process.exit(0);
  stop(running, Number(process.env.EDGE_STOP_SECONDS ?? 110)).catch((error: unknown) => {
    log.error('edge could not stop in order', { error: messageOf(error) });
    process.exit(1);
  });
});
main().catch((error: unknown) => {
  log.error('edge cannot start', { error: messageOf(error) });
  process.exitCode = 1;
});
