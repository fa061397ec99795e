import { X509Certificate } from 'node:crypto';
import type { Log } from '../core/ports.ts';
import {
  type CertificateFiles,
  type Certificates,
  readCertificates,
  watchCertificates,
} from '../listeners/certificates.ts';
import type { Listeners, ListenerTls } from '../listeners/options.ts';
import type { LogLevel } from '../local/log.ts';
import { exitCodes, UserError } from '../local/operator/user-error.ts';
import { urlHost } from '../local/url-host.ts';
import type { DeviceFlags } from './device-tokens.ts';

/** Flags of the commands that listen for stock MQTT clients: `wisp bridge` and `wisp edge`. */
export interface ListenerFlags extends DeviceFlags {
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
  readonly tlsHandshakesPerSecond?: number;
  readonly bufferMegabytes?: number;
  readonly logLevel: LogLevel;
  /** How often files with certificates are looked at for changes. Default: 10 s. */
  readonly certificatePollMs?: number;
}

/** Where a command listens: what flags and certificates make of {@link ListenerFlags}. */
export interface Listening {
  readonly files: CertificateFiles | undefined;
  readonly certificates: Certificates | undefined;
  readonly ports: Ports;
}

/** @throws UserError that says which flag or file to correct */
export async function listeningOf(flags: ListenerFlags): Promise<Listening> {
  const files = certificateFiles(flags);
  return { files, certificates: await readAll(files), ports: chosenPorts(flags) };
}

/** What both servers take of the flags. */
export function listenerOptionsOf(flags: ListenerFlags, { certificates, ports }: Listening) {
  const { host, maxConnections, maxConnectionsPerAddress } = flags;
  const { tlsHandshakesPerSecond: maxTlsHandshakesPerSecondPerAddress, bufferMegabytes } = flags;
  return {
    host,
    maxConnections,
    ...(maxConnectionsPerAddress === undefined ? {} : { maxConnectionsPerAddress }),
    ...(maxTlsHandshakesPerSecondPerAddress === undefined ? {} : { maxTlsHandshakesPerSecondPerAddress }),
    ...(bufferMegabytes === undefined ? {} : { maxBufferedBytes: bufferMegabytes * 1024 * 1024 }),
    ...(ports.mqttPort === undefined ? {} : { mqttPort: ports.mqttPort }),
    ...(ports.wsPort === undefined ? {} : { wsPort: ports.wsPort }),
    ...(certificates === undefined ? {} : { tls: tlsOf(certificates, flags) }),
  };
}

/** Hands certificates over when their files change. @returns stops that. */
export function watchFiles(
  { files, certificates }: Listening,
  server: Pick<Listeners, 'replaceCertificates'>,
  { log, name, pollMs }: { readonly log: Log; readonly name: string; readonly pollMs: number | undefined },
): () => void {
  if (files === undefined || certificates === undefined) return () => {};
  return watchCertificates(
    files,
    certificates,
    (changed) => {
      server.replaceCertificates(changed);
      log.info(name, { event: 'certificates-replaced', validUntil: validUntil(changed) });
    },
    (error) => log.error(name, { code: 'certificate-unusable', error: messageOf(error) }),
    pollMs,
  );
}

/** Start-up lines: addresses, certificates, and what clients need. */
export function listeningLines(
  { mqttPort, tlsPort, wsPort, wssPort }: Pick<Listeners, keyof Ports>,
  { host }: ListenerFlags,
  {
    certificates,
    signsTokens,
  }: { readonly certificates: Certificates | undefined; readonly signsTokens: boolean },
): string[] {
  const at = urlHost(host);
  const isOpen = !/^(127\.|::1$|localhost$)/.test(host);
  const isPlain = mqttPort !== undefined || wsPort !== undefined;
  return [
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

const portNames = ['mqttPort', 'tlsPort', 'wsPort', 'wssPort'] as const;
export type Ports = { readonly [Name in (typeof portNames)[number]]?: number };

/** A port without TLS that nobody has asked for must not open beside one with TLS. */
function chosenPorts(flags: ListenerFlags): Ports {
  const given = portNames.filter((name) => flags[name] !== undefined);
  if (given.length === 0) return { mqttPort: 1883 };
  return Object.fromEntries(given.map((name) => [name, flags[name]]));
}

/** `mqttPort` is `--mqtt-port`. */
export function flagOfPort([name, port]: [string, number | undefined]): readonly [
  string,
  number | undefined,
] {
  return [`--${name.replace('Port', '-port')}`, port];
}

function certificateFiles(flags: ListenerFlags): CertificateFiles | undefined {
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

function tlsOf(certificates: Certificates, { tlsPort, wssPort }: ListenerFlags): ListenerTls {
  return {
    ...certificates,
    ...(tlsPort === undefined ? {} : { port: tlsPort }),
    ...(wssPort === undefined ? {} : { wssPort }),
  };
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

export function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
