import { X509Certificate } from 'node:crypto';
import {
  type Bridge,
  type BridgeTls,
  type CertificateFiles,
  type Certificates,
  readCertificates,
  startBridge,
  watchCertificates,
} from '../bridge/index.ts';
import { escapeControls } from '../core/escape-controls.ts';
import { createLocalLog, type LogLevel, logBridge } from '../local/log.ts';
import { exitCodes, UserError } from '../local/operator/user-error.ts';
import { urlHost } from '../local/url-host.ts';
import { type DeviceFlags, deviceTokens } from './device-tokens.ts';
import { listenError } from './listen-error.ts';
import { resolveTarget, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

export interface BridgeFlags extends TargetOptions, DeviceFlags {
  readonly url?: string;
  readonly mqttPort?: number;
  readonly tlsPort?: number;
  readonly wsPort?: number;
  readonly wssPort?: number;
  /** The first one is the default; the others are for clients that ask for their names. */
  readonly tlsCert?: readonly string[];
  readonly tlsKey?: readonly string[];
  readonly clientCa?: string;
  readonly crl?: string;
  readonly host: string;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress?: number;
  readonly logLevel: LogLevel;
  /** How often the bridge looks whether files with certificates have changed. Default: 10 s. */
  readonly certificatePollMs?: number;
}

/**
 * Starts the bridge and prints where it listens.
 *
 * @returns closes it
 * @throws UserError that says which flag or file to correct
 */
export async function runBridge(flags: BridgeFlags, terminal: Terminal): Promise<() => Promise<void>> {
  const { host, maxConnections, maxConnectionsPerAddress, logLevel } = flags;
  const log = createLocalLog(logLevel, (line) => terminal.err(escapeControls(line)));
  const files = certificateFiles(flags);
  const tokenForCertificate = await deviceTokens(flags);
  const [{ url, label }, certificates] = await Promise.all([findUpstream(flags), readAll(files)]);
  const ports = chosenPorts(flags);
  const signsTokens = tokenForCertificate !== undefined;
  const bridge = await startBridge({
    upstreamUrl: url,
    host,
    maxConnections,
    ...(maxConnectionsPerAddress === undefined ? {} : { maxConnectionsPerAddress }),
    ...(ports.mqttPort === undefined ? {} : { mqttPort: ports.mqttPort }),
    ...(ports.wsPort === undefined ? {} : { wsPort: ports.wsPort }),
    ...(certificates === undefined ? {} : { tls: tlsOf(certificates, flags) }),
    ...(tokenForCertificate === undefined ? {} : { tokenForCertificate }),
    log: (entry) => logBridge(log, entry),
  }).catch((error: unknown) => {
    throw listenError(error, host, Object.entries(ports).map(flagOfPort)) ?? error;
  });
  const stopWatching =
    files === undefined || certificates === undefined
      ? () => {}
      : watchCertificates(
          files,
          certificates,
          (changed) => {
            bridge.replaceCertificates(changed);
            log.info('bridge', { event: 'certificates-replaced', validUntil: validUntil(changed) });
          },
          (error) => log.error('bridge', { code: 'certificate-unusable', error: messageOf(error) }),
          flags.certificatePollMs,
        );
  for (const line of startLines(bridge, { url, label, host, certificates, signsTokens })) terminal.out(line);
  return async () => {
    stopWatching();
    await bridge.close();
  };
}

const portNames = ['mqttPort', 'tlsPort', 'wsPort', 'wssPort'] as const;
type Ports = { readonly [Name in (typeof portNames)[number]]?: number };

/** A port without TLS that nobody has asked for must not open beside one with TLS. */
function chosenPorts(flags: BridgeFlags): Ports {
  const given = portNames.filter((name) => flags[name] !== undefined);
  if (given.length === 0) return { mqttPort: 1883 };
  return Object.fromEntries(given.map((name) => [name, flags[name]]));
}

/** `mqttPort` is `--mqtt-port`. */
function flagOfPort([name, port]: [string, number | undefined]): readonly [string, number | undefined] {
  return [`--${name.replace('Port', '-port')}`, port];
}

function certificateFiles(flags: BridgeFlags): CertificateFiles | undefined {
  const { tlsPort, wssPort, tlsCert, tlsKey, clientCa, crl } = flags;
  if (tlsPort === undefined && wssPort === undefined) {
    if (tlsCert === undefined && tlsKey === undefined && clientCa === undefined) return undefined;
    throw usage('certificates need a port that uses them: --tls-port 8883 or --wss-port 8084');
  }
  const [first, ...others] = (tlsCert ?? []).map((cert, index) => ({ cert, key: tlsKey?.[index] ?? '' }));
  if (first === undefined || tlsKey === undefined)
    throw usage('--tls-port and --wss-port need --tls-cert and --tls-key');
  if (tlsKey.length !== others.length + 1)
    throw usage('each --tls-cert needs its --tls-key, in the same order');
  if (crl !== undefined && clientCa === undefined)
    throw usage('--crl lists revoked certificates of clients: name their authority with --client-ca');
  return {
    ...first,
    ...(others.length === 0 ? {} : { others }),
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(crl === undefined ? {} : { crl }),
  };
}

async function readAll(files: CertificateFiles | undefined): Promise<Certificates | undefined> {
  if (files === undefined) return undefined;
  try {
    return await readCertificates(files);
  } catch (error) {
    const { path, code } = error as { path?: string; code?: string };
    if (path !== undefined)
      throw new UserError('file-unreadable', `${path} cannot be read (${code})`, { cause: error });
    throw new UserError('certificate-unusable', messageOf(error), { cause: error });
  }
}

function tlsOf(certificates: Certificates, { tlsPort, wssPort }: BridgeFlags): BridgeTls {
  return {
    ...certificates,
    ...(tlsPort === undefined ? {} : { port: tlsPort }),
    ...(wssPort === undefined ? {} : { wssPort }),
  };
}

async function findUpstream(flags: BridgeFlags): Promise<{ url: string; label: string }> {
  if (flags.url !== undefined) {
    const protocol = URL.canParse(flags.url) ? new URL(flags.url).protocol : '';
    if (protocol !== 'wss:' && protocol !== 'ws:')
      throw usage('--url: the WebSocket API of the deployment, such as wss://example.com/mqtt');
    return { url: flags.url, label: 'given by --url' };
  }
  const target = resolveTarget(flags);
  const { webSocketUrl } = await target.connect();
  if (webSocketUrl === undefined)
    throw usage(`${target.label} does not tell where its WebSocket API is; name it with --url`);
  return { url: webSocketUrl, label: target.label };
}

interface StartFacts {
  readonly url: string;
  readonly label: string;
  readonly host: string;
  readonly certificates: Certificates | undefined;
  /** Whether the bridge signs tokens for clients with a certificate. */
  readonly signsTokens: boolean;
}

function startLines(bridge: Bridge, facts: StartFacts): string[] {
  const { url, label, host, certificates, signsTokens } = facts;
  const { mqttPort, tlsPort, wsPort, wssPort } = bridge;
  const at = urlHost(host);
  const isOpen = !/^(127\.|::1$|localhost$)/.test(host);
  const isPlain = mqttPort !== undefined || wsPort !== undefined;
  return [
    'The bridge is running. Ctrl-C ends it.',
    '',
    `  forwards to                    ${url} (${label})`,
    ...(mqttPort === undefined ? [] : [`  MQTT over TCP                  mqtt://${at}:${mqttPort}`]),
    ...(tlsPort === undefined ? [] : [`  MQTT over TLS                  mqtts://${at}:${tlsPort}`]),
    ...(wsPort === undefined ? [] : [`  MQTT over WebSocket            ws://${at}:${wsPort}/mqtt`]),
    ...(wssPort === undefined ? [] : [`  MQTT over WebSocket over TLS   wss://${at}:${wssPort}/mqtt`]),
    ...(certificates === undefined ? [] : [`  certificate valid until        ${validUntil(certificates)}`]),
    ...(certificates?.clientCa === undefined ? [] : ['  clients                        need a certificate']),
    '',
    signsTokens
      ? 'Clients are who their certificate says, and need no token.'
      : 'Clients send the tenant as user name and a token as password ("wisp token TENANT").',
    ...(isOpen && isPlain
      ? ['Warning: without TLS, tokens cross the network in clear text. Prefer --tls-port.']
      : []),
  ];
}

/** When the first one of the certificates expires: ISO 8601, UTC. */
function validUntil({ cert, others = [] }: Certificates): string {
  const times = [cert, ...others.map((other) => other.cert)].map((pem) =>
    Date.parse(new X509Certificate(pem).validTo),
  );
  return new Date(Math.min(...times)).toISOString();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
