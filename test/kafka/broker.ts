import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cert, key } from '../support/certificate.ts';

const script = fileURLToPath(new URL('../../.ci/kafka', import.meta.url));

export interface KafkaBroker {
  /** `host:port` without authentication. */
  readonly plain: string;
  /** `host:port` with TLS, by the certificate of test/support/certificate.ts. */
  readonly tls: string;
  /** `host:port` with TLS and SCRAM, of SHA-256 and SHA-512. */
  readonly scram: string;
  close(): Promise<void>;
}

/** A user of the listener with SCRAM. */
export const kafkaUser = { username: 'wisp', password: 'correct horse' } as const;

/** Starts Apache Kafka on free ports of loopback, and waits until it serves. */
export async function startKafka(): Promise<KafkaBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-kafka-'));
  const [plain, tls, scram, controller] = await freePorts(4);
  const config = join(directory, 'server.properties');
  const onOneLine = (pem: string) => pem.trim().replaceAll('\n', '\\n');
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAIN://localhost:${plain},TLS://localhost:${tls},SCRAM://localhost:${scram},CONTROLLER://localhost:${controller}`,
    'advertised.listeners': `PLAIN://localhost:${plain},TLS://localhost:${tls},SCRAM://localhost:${scram}`,
    'listener.security.protocol.map': 'PLAIN:PLAINTEXT,TLS:SSL,SCRAM:SASL_SSL,CONTROLLER:PLAINTEXT',
    'controller.quorum.bootstrap.servers': `localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.scram.scram-sha-256.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.scram.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': onOneLine(cert),
    'ssl.keystore.key': onOneLine(key),
    'log.dirs': join(directory, 'log'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'message.max.bytes': '100000',
  };
  await writeFile(
    config,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${kafkaUser.username},password=${kafkaUser.password}]`,
  ]);
  const child = spawn(script, [config, ...users], { stdio: ['ignore', 'pipe', 'pipe'] });
  const close = async () => {
    await stopped(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await started(child);
  } catch (error) {
    await close();
    throw error;
  }
  const at = (port: number | undefined) => `localhost:${port}`;
  return { plain: at(plain), tls: at(tls), scram: at(scram), close };
}

const startMs = 60_000;

/** Resolves with the line of the log that says so. */
function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const read = (chunk: Buffer) => {
      log += chunk.toString('utf8');
      if (log.includes('Kafka Server started')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    setTimeout(() => reject(new Error(`Kafka has not started:\n${log.slice(-4_000)}`)), startMs).unref();
    child.on('exit', () => reject(new Error(`Kafka has ended:\n${log.slice(-4_000)}`)));
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
