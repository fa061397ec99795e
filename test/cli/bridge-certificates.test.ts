import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBridge } from '../../lib/cli/run-bridge.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { createTestAuthority, type TestAuthority } from '../support/client-certificates.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

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

/** mosquitto_pub over TLS with a client certificate. */
function publish(client: { cert: string; key: string } | undefined, id: string, topic: string) {
  const args = ['-h', 'localhost', '-p', String(portOf('mqtts')), '--cafile', join(directory, 'ca.pem')];
  if (client !== undefined) args.push('--cert', client.cert, '--key', client.key);
  args.push('-i', id, '-t', topic, '-m', 'hi', '-q', '1', '-V', 'mqttv311');
  return new Promise<{ code: number; stderr: string }>((resolve) => {
    const child = execFile(requireTool('mosquitto_pub'), args, (_error, _out, text) =>
      resolve({ code: child.exitCode ?? -1, stderr: text }),
    );
  });
}

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

describe.skipIf(lacks('mosquitto_pub'))('mosquitto_pub with a client certificate', () => {
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
