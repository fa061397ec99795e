import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority, type TestAuthority } from '../support/client-certificates.ts';
import { edgeEnvironmentOf, freePort, killEdgeProcess, startEdgeProcess } from '../support/edge-processes.ts';
import { type Mint, startTestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

/** A Python with the packages of examples/paho-python/requirements.txt. */
const { WISP_PYTHON: python = '' } = process.env;
const roundTrip = join(import.meta.dirname, 'round-trip.py');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

const ends: (() => unknown)[] = [];
let authority: TestAuthority;
let mint: Mint;
let directory: string;
/** An edge whose clients need no certificate, and one whose clients do. */
let open: { tls: number; wss: number };
let closed: { tls: number; wss: number };

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

function end(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(command, args, (_error, out, error) =>
      resolve({ code: child.exitCode ?? -1, out, error }),
    );
  });
}

/** A Secrets Manager with one secret. */
async function startSecret(value: object): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ SecretString: JSON.stringify(value) }));
  }).listen(0, '127.0.0.1');
  ends.push(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startTlsEdge(environment: Readonly<Record<string, string>>, secret: object) {
  const [tls, wss] = [await freePort(), await freePort()];
  const edge = await startEdgeProcess({
    ...environment,
    EDGE_TLS_PORT: String(tls),
    EDGE_WSS_PORT: String(wss),
    EDGE_CERTIFICATE_SECRET: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:edge-AbCdEf',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await startSecret(secret),
  });
  ends.push(() => killEdgeProcess(edge));
  return { tls, wss };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wisp-edge-'));
  ends.push(() => rm(directory, { recursive: true, force: true }));
  const service = await startTestService({ edge: true });
  ends.push(() => service.close());
  mint = await service.tenant('acme');
  authority = await createTestAuthority();
  await file('ca.pem', authority.pem);
  const { cert: certificate, key } = await authority.server();
  const environment = await edgeEnvironmentOf(service);
  open = await startTlsEdge(environment, { certificate, key });
  closed = await startTlsEdge(environment, { certificate, key, clientCa: authority.pem });
}, 90_000);
afterAll(async () => {
  for (const one of ends.reverse()) await one();
});

async function certificateFiles(name: string, of: TestAuthority): Promise<[cert: string, key: string]> {
  const { cert, key } = await of.client(`CN=${name}`);
  return [await file(`${name}.pem`, cert), await file(`${name}.key`, key)];
}

describe('stock clients over TLS to an edge process, with an authority of their own', () => {
  it('MQTT.js over wss', async () => {
    const client = await mqtt.connectAsync(`wss://localhost:${open.wss}/mqtt`, {
      ca: [authority.pem],
      username: mint.tenant,
      password: await mint(),
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    const arrived: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (_topic, payload) => {
        arrived.push(String(payload));
        if (arrived.length === 3) resolve();
      });
    });
    await client.subscribeAsync('a', { qos: 2 });
    for (const qos of [0, 1, 2] as const) await client.publishAsync('a', `${qos}`, { qos });
    await all;
    expect(arrived.toSorted()).toEqual(['0', '1', '2']);
    await client.endAsync();
  });

  it('MQTT.js over wss trusts no other authority', async () => {
    const other = await createTestAuthority('other');
    const connecting = mqtt.connectAsync(`wss://localhost:${open.wss}/mqtt`, {
      ca: [other.pem],
      username: mint.tenant,
      password: await mint(),
      reconnectPeriod: 0,
    });
    await expect(connecting).rejects.toThrow(/certificate/);
  });

  it.skipIf(python === '').each([
    ['websockets', 'wss'],
    ['tcp', 'tls'],
  ] as const)('Paho Python, transport %s', async (transport, port) => {
    const ca = join(directory, 'ca.pem');
    const login = [`paho-${transport}`, mint.tenant, await mint()];
    const args = [roundTrip, transport, String(open[port]), ca, ...login];
    expect(await end(python, args)).toMatchObject({ code: 0, out: '0 1 2\n' });
  });
});

describe('clients with certificates, to an edge process that needs them', () => {
  const mosquitto = async (certificate: readonly [string, string] | undefined) =>
    end(requireTool('mosquitto_pub'), [
      ...['-h', 'localhost', '-p', String(closed.tls), '--cafile', join(directory, 'ca.pem')],
      ...(certificate === undefined ? [] : ['--cert', certificate[0], '--key', certificate[1]]),
      ...['-u', mint.tenant, '-P', await mint(), '-i', 'm1', '-t', 't', '-m', 'hi', '-q', '1'],
    ]);
  const paho = async (transport: 'tcp' | 'websockets', certificate: readonly string[]) => {
    const port = transport === 'tcp' ? closed.tls : closed.wss;
    const login = ['p1', mint.tenant, await mint()];
    return end(python, [
      ...[roundTrip, transport, String(port), join(directory, 'ca.pem')],
      ...login,
      ...certificate,
    ]);
  };

  it.skipIf(lacks('mosquitto_pub'))('mosquitto_pub', async () => {
    expect(await mosquitto(await certificateFiles('m1', authority))).toMatchObject({ code: 0 });
    const stranger = await certificateFiles('stranger', await createTestAuthority('other'));
    expect((await mosquitto(stranger)).code).not.toBe(0);
    expect((await mosquitto(undefined)).code).not.toBe(0);
  });

  it.skipIf(python === '').each(['tcp', 'websockets'] as const)(
    'Paho Python, transport %s',
    async (transport) => {
      const certificate = await certificateFiles('p1', authority);
      expect(await paho(transport, certificate)).toMatchObject({ code: 0, out: '0 1 2\n' });
      const stranger = await certificateFiles('stranger', await createTestAuthority('other'));
      expect((await paho(transport, stranger)).code).not.toBe(0);
      expect((await paho(transport, [])).code).not.toBe(0);
    },
  );
});
