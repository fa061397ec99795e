import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import mqtt from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runBridge } from '../../lib/cli/run-bridge.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { createTestAuthority, type TestAuthority } from '../support/client-certificates.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

/** A Python with the packages of examples/paho-python/requirements.txt. */
const { WISP_PYTHON: python = '' } = process.env;

const dayMs = 86_400_000;
/** As a shell passes it. */
const ownTopics = 'devices/$' + '{clientId}/#';
let service: TestService;
let authority: TestAuthority;
let directory: string;
let stop: () => Promise<void>;
const stdout: string[] = [];
const stderr: string[] = [];
const terminal: Terminal = { out: (line) => stdout.push(line), err: (line) => stderr.push(line) };

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

async function clientFiles(name: string, subject: string, of = authority, notAfter?: Date) {
  const issued = await of.client(subject, notAfter);
  return { issued, cert: await file(`${name}.pem`, issued.cert), key: await file(`${name}.key`, issued.key) };
}

const portOf = (scheme: string) =>
  Number(new RegExp(`${scheme}://127.0.0.1:(\\d+)`).exec(stdout.join('\n'))?.[1]);

interface Certificate {
  readonly cert: string;
  readonly key: string;
}
interface Ended {
  readonly code: number;
  readonly stderr: string;
}
/** Publishes once at QoS 1 over TLS, in a process of its own. */
type Publish = (certificate: Certificate | undefined, id: string, topic: string) => Promise<Ended>;

function end(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(command, args, (_error, _out, stderr) =>
      resolve({ code: child.exitCode ?? -1, stderr }),
    );
  });
}

const mosquittoPub: Publish = (certificate, id, topic) => {
  const args = ['-h', 'localhost', '-p', String(portOf('mqtts')), '--cafile', join(directory, 'ca.pem')];
  if (certificate !== undefined) args.push('--cert', certificate.cert, '--key', certificate.key);
  args.push('-i', id, '-t', topic, '-m', 'hi', '-q', '1', '-V', 'mqttv311');
  return end(requireTool('mosquitto_pub'), args);
};

const pahoPython: Publish = (certificate, id, topic) =>
  end(python, [
    join(import.meta.dirname, 'publish-with-certificate.py'),
    ...[String(portOf('mqtts')), join(directory, 'ca.pem'), id, topic],
    ...(certificate === undefined ? [] : [certificate.cert, certificate.key]),
  ]);

const stockClients: readonly [name: string, missing: boolean, publish: Publish][] = [
  ['mosquitto_pub, MQTT 3.1.1', lacks('mosquitto_pub'), mosquittoPub],
  ['Paho Python, MQTT 5.0', python === '', pahoPython],
];

const refusedFor = (error: string) =>
  expect
    .poll(() => stderr.some((line) => line.includes('certificate-refused') && line.includes(error)))
    .toBe(true);

beforeAll(async () => {
  service = await startTestService();
  authority = await createTestAuthority();
  directory = await mkdtemp(join(tmpdir(), 'wisp-certificates-'));
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  await service.tenant('fleet', {
    issuers: [
      {
        iss: 'wisp:fleet',
        audience: 'wisp',
        keys: { kind: 'inline', keys: [(await exportJWK(publicKey)) as never] },
      },
    ],
  });
  const { cert, key } = await authority.server();
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey as never)).toString('base64');
  stop = await runBridge(
    {
      url: service.url,
      host: '127.0.0.1',
      maxConnections: 10,
      logLevel: 'info',
      tlsPort: 0,
      wssPort: 0,
      tlsCert: [await file('server.pem', cert)],
      tlsKey: [await file('server.key', key)],
      clientCa: await file('ca.pem', authority.pem),
      crl: await file('crl.pem', await authority.revoked()),
      deviceKey: await file(
        'device.key',
        `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
      ),
      map: 'O=tenant,CN=clientId',
      publish: [ownTopics],
      subscribe: [ownTopics],
      certificatePollMs: 20,
    },
    terminal,
  );
});
afterAll(async () => {
  await stop();
  await service.close();
  await rm(directory, { recursive: true });
});

describe.each(stockClients)('%s, with a client certificate', (_name, missing, publish) => {
  beforeEach(({ skip }) => {
    skip(missing);
    stderr.length = 0;
  });

  it('is the client that the certificate names, and may do what the flags say', async () => {
    const client = await clientFiles('one', 'O=fleet, CN=device-1');
    expect(await publish(client, 'device-1', 'devices/device-1/up')).toEqual({ code: 0, stderr: '' });
    const other = await publish(client, 'device-2', 'devices/device-2/up');
    expect(other.code).not.toBe(0);
    expect(other.stderr).toMatch(/refused/i);
  });

  it('is refused without a certificate, and with one that another authority signed', async () => {
    expect((await publish(undefined, 'x', 't')).code).not.toBe(0);
    await refusedFor('NO_CERTIFICATE');
    const foreign = await createTestAuthority('other');
    expect((await publish(await clientFiles('foreign', 'O=fleet, CN=x', foreign), 'x', 't')).code).not.toBe(
      0,
    );
    await refusedFor('UNABLE_TO_');
  });

  it('is refused with an expired certificate, and one whose subject names no tenant', async () => {
    const expired = await clientFiles('old', 'O=fleet, CN=old', authority, new Date(Date.now() - dayMs / 2));
    expect((await publish(expired, 'old', 't')).code).not.toBe(0);
    await refusedFor('CERT_HAS_EXPIRED');
    expect((await publish(await clientFiles('none', 'CN=none'), 'none', 't')).code).not.toBe(0);
    await refusedFor('SUBJECT_WITHOUT_ONE_O');
  });

  it('is refused once the list of revoked certificates names it, without a restart', async () => {
    const client = await clientFiles('lost', 'O=fleet, CN=lost');
    expect(await publish(client, 'lost', 'devices/lost/up')).toEqual({ code: 0, stderr: '' });
    await file('crl.pem', await authority.revoked(client.issued));
    await expect.poll(() => stderr.join('\n'), { timeout: 5_000 }).toContain('certificates-replaced');
    expect((await publish(client, 'lost', 'devices/lost/up')).code).not.toBe(0);
    await refusedFor('CERT_REVOKED');
  });
});

it('MQTT.js connects over wss with a client certificate', async () => {
  const { cert, key } = await authority.client('O=fleet, CN=web');
  const client = await mqtt.connectAsync(`wss://localhost:${portOf('wss')}/mqtt`, {
    ca: authority.pem,
    cert,
    key,
    clientId: 'web',
    reconnectPeriod: 0,
  });
  await client.subscribeAsync('devices/web/#', { qos: 1 });
  const received = new Promise((resolve) =>
    client.once('message', (_topic, payload) => resolve(`${payload}`)),
  );
  await client.publishAsync('devices/web/x', 'over wss', { qos: 1 });
  expect(await received).toBe('over wss');
  await client.endAsync();
});
