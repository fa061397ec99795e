import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { type BridgeFlags, runBridge } from '../../lib/cli/run-bridge.ts';
import { startProfileServer } from '../client/profile-server.ts';
import { createTestAuthority, type TestAuthority } from '../support/client-certificates.ts';
import { recordingTerminal, temporaryDirectory } from './service.ts';

let authority: TestAuthority;
beforeAll(async () => {
  authority = await createTestAuthority();
});

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const cleanUps: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await directory.remove();
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory.path, name);
  // As tools for certificates do.
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

async function start(flags: Partial<BridgeFlags>) {
  const server = await startProfileServer();
  cleanUps.push(server.close);
  const terminal = recordingTerminal();
  const base = { url: server.url, host: '127.0.0.1', maxConnections: 10, logLevel: 'info' } as const;
  cleanUps.push(await runBridge({ ...base, certificatePollMs: 20, ...flags }, terminal));
  const portOf = (scheme: string) =>
    Number(new RegExp(`${scheme}://127.0.0.1:(\\d+)`).exec(terminal.stdout.join('\n'))?.[1]);
  return { terminal, server, portOf };
}

async function wisp(...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(args, terminal);
  return { exitCode, stderr: terminal.stderr.join('\n') };
}

const clients = [
  '--tls-port',
  '0',
  '--tls-cert',
  'x',
  '--tls-key',
  'x',
  '--client-ca',
  'x',
  '--device-key',
  'x',
];

describe('wisp bridge', () => {
  it('prints where it listens and where it forwards to', async () => {
    const { cert, key } = await authority.server();
    const { terminal, server } = await start({
      mqttPort: 0,
      tlsPort: 0,
      wsPort: 0,
      wssPort: 0,
      tlsCert: [await file('server.pem', cert)],
      tlsKey: [await file('server.key', key)],
    });
    const text = terminal.stdout.join('\n');
    expect(text).toContain(`forwards to                    ${server.url} (given by --url)`);
    for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss']) expect(text).toMatch(`${scheme}://127.0.0.1:`);
    expect(text).toMatch(/certificate valid until {8}20\d\d-/);
    expect(text).not.toContain('Warning');
  });

  it('opens no port without TLS beside one with TLS, and warns of one that others can reach', async () => {
    const { cert, key } = await authority.server();
    const tls = { tlsCert: [await file('server.pem', cert)], tlsKey: [await file('server.key', key)] };
    const secure = await start({ tlsPort: 0, host: '0.0.0.0', ...tls });
    expect(secure.terminal.stdout.join('\n')).not.toMatch(/mqtt:|Warning/);
    const open = await start({ mqttPort: 0, host: '0.0.0.0' });
    expect(open.terminal.stdout.join('\n')).toMatch(/Warning: without TLS/);
  });

  it('reads certificates again when they change, and keeps the old ones if it cannot', async () => {
    const first = await authority.server();
    const { terminal, portOf } = await start({
      tlsPort: 0,
      tlsCert: [await file('server.pem', first.cert)],
      tlsKey: [await file('server.key', first.key)],
    });
    const shown = async () => {
      const socket: TLSSocket = connect({
        port: portOf('mqtts'),
        ca: authority.pem,
        servername: 'localhost',
      });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const logged = (text: string) =>
      expect.poll(() => terminal.stderr.join('\n'), { timeout: 5_000 }).toContain(text);
    const before = await shown();
    await file('server.pem', 'no certificate');
    await logged('certificate-unusable');
    expect(await shown()).toBe(before);
    const second = await authority.server();
    await file('server.pem', second.cert);
    await file('server.key', second.key);
    await logged('certificates-replaced');
    expect(await shown()).not.toBe(before);
  });

  it.each([
    [['--tls-port', '0'], /--tls-port and --wss-port need --tls-cert and --tls-key/],
    [['--tls-cert', 'x'], /need a port that uses them/],
    [['--url', 'https://example.com'], /--url: the WebSocket API/],
    [['--max-connections', '0'], /a whole number from 1/],
    [['--tls-port', '0', '--tls-cert', 'x', '--tls-key', 'y', '--crl', 'z'], /--client-ca/],
    [['--tls-port', '0', '--tls-cert', 'x', '--tls-cert', 'x', '--tls-key', 'y'], /each --tls-cert needs/],
    [['--device-key', 'x'], /--client-ca/],
    [['--map', 'CN=clientId'], /--device-key/],
    [[...clients, '--publish', '#'], /--map/],
    [[...clients, '--map', 'CN=clientId', '--tenant', 'acme'], /what these clients may do/],
  ])('says what is wrong with %j', async (args, expected) => {
    const { exitCode, stderr } = await wisp('bridge', '--url', 'ws://127.0.0.1:1', ...args);
    expect(stderr.split('\n')[0]).toMatch(expected);
    expect(exitCode).toBe(2);
  });

  it('names the file that it cannot use', async () => {
    const { cert, key } = await authority.server();
    const other = await authority.server();
    const tlsCert = await file('server.pem', cert);
    const tlsKey = await file('server.key', key);
    const tls = { tlsPort: 0, tlsCert: [tlsCert], tlsKey: [tlsKey] };
    const failed = (flags: Partial<BridgeFlags>) => expect(start({ ...tls, ...flags })).rejects;
    await failed({ tlsKey: ['missing'] }).toThrow(/^missing cannot be read \(ENOENT\)$/);
    await failed({ tlsKey: [await file('other.key', other.key)] }).toThrow(
      /does not belong to the certificate/,
    );
    await failed({ tlsCert: [await file('none.pem', '')] }).toThrow(/certificates in PEM are expected/);
    await failed({ clientCa: tlsCert, crl: tlsKey }).toThrow(/not a list of revoked certificates/);
    await failed({ clientCa: await file('ca.pem', '') }).toThrow(/ca.pem: no certificate in PEM/);
  });

  it('names the flag of a port that is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    cleanUps.push(() => taken.close());
    const { port } = taken.address() as { port: number };
    await expect(start({ wsPort: port })).rejects.toThrow(
      `port ${port} is in use; choose another one with --ws-port`,
    );
  });
});

it('serves its metrics: clients, refusals by code, and the process', async () => {
  const { terminal, portOf } = await start({ mqttPort: 0, metricsPort: 0 });
  const url = /http:\S+\/metrics/.exec(terminal.stdout.join('\n'))?.[0] ?? '';
  const text = async () => (await fetch(url)).text();
  expect(await text()).toContain('\nwisp_clients 0\n');
  const socket = createConnection(portOf('mqtt'), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  await vi.waitFor(async () => expect(await text()).toContain('\nwisp_clients 1\n'));
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await vi.waitFor(async () => expect(await text()).toContain('wisp_refusals_total{code="not-mqtt"} 1\n'));
  expect(await text()).toContain('process_resident_memory_bytes');
});
