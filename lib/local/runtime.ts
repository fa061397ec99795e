import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bridge, startBridge } from '../bridge/index.ts';
import { escapeControls } from '../core/escape-controls.ts';
import { type Edge, startEdge } from '../edge/index.ts';
import { clientsFamily, counterFamilies, refusalFamily } from '../metrics/counters.ts';
import { processFamilies } from '../metrics/process.ts';
import { demoTenant, greeting } from './greeting.ts';
import { bridgeLog, createLocalLog, type LogLevel, logLevels } from './log.ts';
import { createTenantWithKey } from './operator/create-tenant-with-key.ts';
import { keyDirectory, wispHome } from './operator/home.ts';
import { keyPath, readSigningKey } from './operator/key-file.ts';
import { removeLocalState, writeLocalState } from './operator/local-state.ts';
import { mintToken } from './operator/mint-token.ts';
import { ownCertificate } from './own-certificate.ts';
import { localEdgeParts, localTables, startLocalService } from './service.ts';

export interface LocalOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port of the gateway. 0 picks a free one, here and below. */
  readonly port: number;
  /** Port of MQTT over TCP. */
  readonly mqttPort: number;
  /** Port of MQTT over TLS, with a certificate that the service makes itself. */
  readonly tlsPort: number;
  /** Port of binary MQTT over WebSocket. */
  readonly wsPort: number;
  /** Port of the admin API and of publishing over HTTP. */
  readonly adminPort: number;
  /** Where `/metrics` is served as well, to other machines too. Default: only at `adminPort`. */
  readonly metrics?: { readonly host: string; readonly port: number };
  /** Whether an edge serves stock clients, in place of the bridge. */
  readonly edge?: boolean;
  /** Origins whose pages may publish over HTTP. Default: all. */
  readonly publishOrigins?: readonly string[];
  /** Keeps state on disk. Default: in memory. */
  readonly dataDirectory?: string;
  /** One of {@link logLevels}; any other text means `info`. */
  readonly logLevel: string;
  /** Receives the start-up lines. */
  readonly print?: (line: string) => void;
}

export interface LocalRuntime {
  /** URL of the gateway, for the adapter. */
  readonly url: string;
  readonly mqttPort: number;
  readonly tlsPort: number;
  /** File with the authority of the certificate at `tlsPort`. */
  readonly caPath: string;
  readonly wsPort: number;
  /** URL of the tables, for `wisp` and the AWS CLI. */
  readonly tablesUrl: string;
  /** URL of the queues, for the AWS CLI and SDKs: to send to the inbound queue. */
  readonly queuesUrl: string;
  readonly adminUrl: string;
  readonly publishUrl: string;
  /** `GET /metrics`, for Prometheus. */
  readonly metricsUrl: string;
  /** Opens the console in a browser, once, within ten minutes. */
  readonly consoleUrl: string;
  close(): Promise<void>;
}

const demoTokenDays = 30;

/**
 * Starts the whole service: gateway, store, functions, and the bridge or an edge. Creates the
 * tenant `demo` if it does not exist, and prints all addresses.
 *
 * @throws an error with `code` EADDRINUSE and `port` if a port is in use. Everything is closed
 *   then.
 */
export async function startLocal(options: LocalOptions): Promise<LocalRuntime> {
  const { host, port, dataDirectory } = options;
  const log = createLocalLog(levelOf(options.logLevel), writeLine);
  if (dataDirectory !== undefined) await mkdir(dataDirectory, { recursive: true });
  const home = wispHome();
  const service = await startLocalService({
    host,
    port,
    adminPort: options.adminPort,
    log,
    console: { keyDirectory: keyDirectory(home) },
    metrics: () => [
      ...counterFamilies(log),
      refusalFamily(log),
      clientsFamily(clients()),
      ...processFamilies(),
    ],
    ...(options.edge === true ? { edge: true } : {}),
    ...(options.publishOrigins === undefined ? {} : { publishOrigins: options.publishOrigins }),
    ...(dataDirectory === undefined ? {} : { directory: dataDirectory }),
  });
  let stock: Bridge | Edge | undefined;
  // Clients of the bridge are clients of the gateway.
  const clients = (): number =>
    service.gateway.connectionCount() + (options.edge === true ? (stock?.connections() ?? 0) : 0);
  try {
    const { caPath, ...certificates } = await ownCertificate(join(home, 'tls'), host, Date.now());
    const listening = {
      host,
      mqttPort: options.mqttPort,
      wsPort: options.wsPort,
      tls: { ...certificates, port: options.tlsPort },
      // All clients are on this machine, or near it.
      maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
    };
    const started =
      options.edge === true
        ? await startEdge({ ...localEdgeParts(service), ...listening, log })
        : await startBridge({
            ...listening,
            upstreamUrl: service.gateway.url,
            ...bridgeLog(log),
          });
    stock = started;
    const tablesUrl = await service.exposeTables();
    await writeLocalState(home, {
      formatVersion: 1,
      pid: process.pid,
      endpoint: tablesUrl,
      tables: localTables,
      webSocketUrl: service.gateway.url,
      mqttPort: portOf(started.mqttPort),
      adminUrl: service.adminUrl,
    });
    const runtime: LocalRuntime = {
      url: service.gateway.url,
      mqttPort: portOf(started.mqttPort),
      tlsPort: portOf(started.tlsPort),
      caPath,
      wsPort: portOf(started.wsPort),
      tablesUrl,
      queuesUrl: await service.exposeQueues(),
      adminUrl: service.adminUrl,
      publishUrl: service.publishUrl,
      metricsUrl:
        options.metrics === undefined
          ? new URL('/metrics', service.adminUrl).href
          : await service.exposeMetrics(options.metrics.host, options.metrics.port),
      consoleUrl: service.newConsoleUrl() ?? '',
      async close() {
        await started.close();
        await service.close();
        await removeLocalState(home, process.pid);
      },
    };
    const token = await demoToken(service.stores.tenantAdmin, keyDirectory(home));
    if (options.print !== undefined)
      for (const line of greeting({
        ...runtime,
        host,
        token,
        isEdge: options.edge === true,
        ...(dataDirectory === undefined ? {} : { dataDirectory }),
      }))
        options.print(line);
    return runtime;
  } catch (error) {
    await stock?.close();
    await service.close();
    throw error;
  }
}

/**
 * Creates the demo tenant if it does not exist. Returns a token for it; undefined if its private
 * key is not on this machine.
 */
async function demoToken(
  admin: Parameters<typeof createTenantWithKey>[0]['admin'],
  keys: string,
): Promise<string | undefined> {
  const nowMs = Date.now();
  if ((await admin.show(demoTenant)) === undefined)
    await createTenantWithKey({ admin, name: demoTenant, keyDirectory: keys, nowMs, reuseKey: true });
  const key = await readSigningKey(keyPath(keys, demoTenant));
  if (key === undefined) return undefined;
  return mintToken({
    tenant: demoTenant,
    key,
    ttlSeconds: demoTokenDays * 86_400,
    nowSeconds: Math.floor(nowMs / 1000),
  });
}

function levelOf(text: string): LogLevel {
  return logLevels.find((level) => level === text) ?? 'info';
}

function portOf(port: number | undefined): number {
  if (port === undefined) throw new Error('a port for stock clients is missing');
  return port;
}

/** Lines hold names that clients have chosen. */
function writeLine(line: string): void {
  process.stderr.write(`${escapeControls(line)}\n`);
}
