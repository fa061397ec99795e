import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAdminClient } from '../../lib/cli/admin-client.ts';
import { run } from '../../lib/cli/program.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let acme: Mint;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  acme = await service.tenant('acme');
  await announce(service, home.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});
beforeEach(() => {
  useHome(home.path);
});

async function wisp(...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(args, terminal);
  return { exitCode, stdout: terminal.stdout.join('\n'), stderr: terminal.stderr.join('\n') };
}

it('says in one line that the admin API does not answer', async () => {
  const client = createAdminClient('http://127.0.0.1:1/admin');
  const error = await client.call('GET', '/acme').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'admin-api-silent',
    message: expect.stringMatching(/^the admin API does not answer at http:\/\/127\.0\.0\.1:1 \([^\n]+\)$/),
  });
});

describe('wisp client', () => {
  it('lists, shows and disconnects', async () => {
    const client = await service.connect(acme, {
      clientId: 'a/b c+\u009b\u202e',
      properties: { sessionExpiryInterval: 60 },
    });
    await client.subscribeAsync('x/#', { qos: 1 });
    expect((await wisp('client', 'list', 'acme')).stdout).toBe('online   5.0    a/b c+\\u009b\\u202e');
    const listed = JSON.parse((await wisp('client', 'list', 'acme', '--json')).stdout);
    expect(listed).toMatchObject([{ clientId: 'a/b c+\u009b\u202e', online: true }]);
    const shown = JSON.parse((await wisp('client', 'show', 'acme', 'a/b c+\u009b\u202e')).stdout);
    expect(shown).toMatchObject({ subscriptions: [{ filter: 'x/#', qos: 1 }] });
    expect((await wisp('subscribers', 'acme', 'x/1')).stdout).toBe(
      'online   QoS 1  a/b c+\\u009b\\u202e  x/#',
    );

    expect((await wisp('shapes', 'acme')).stdout).toBe('=/#');
    expect(JSON.parse((await wisp('shapes', 'acme', '--json')).stdout)).toEqual(['=/#']);
    expect((await wisp('shapes', 'acme', '--count')).stdout.trim()).toBe('1  =/#');
    await client.subscribeAsync('y');
    await client.unsubscribeAsync('y');
    expect(await wisp('shapes', 'acme', '--remove')).toMatchObject({
      stdout: '=',
      stderr: expect.stringContaining('These go.'),
    });
    expect((await wisp('shapes', 'acme')).stdout).toBe('=  (goes)\n=/#');
    expect(JSON.parse((await wisp('shapes', 'acme', '--count', '--json')).stdout)).toEqual([
      { shape: '=', subscriptions: 0, going: true },
      { shape: '=/#', subscriptions: 1, going: false },
    ]);

    const explained = (await wisp('explain', 'acme', 'x/1')).stdout.split('\n');
    expect(explained[0]).toBe('sent     online   QoS 1  a/b c+\\u009b\\u202e  x/#  may publish');
    const offline = (await wisp('explain', 'acme', 'x/1', '--publisher', 'nobody')).stdout.split('\n');
    expect(offline[0]).toMatch(/^The publisher is offline: /);
    const forbidden = await wisp('explain', 'acme', '$x/1', '--client', 'nobody', '--publisher', 'nobody');
    expect(forbidden.stdout).toContain('If it were published: nobody does not get the message.');
    const why = (await wisp('explain', 'acme', 'y/1', '--client', 'a/b c+\u009b\u202e')).stdout.split('\n');
    expect(why.slice(0, 3)).toEqual([
      'a/b c+\\u009b\\u202e does not get the message.',
      '  None of the subscriptions of the client matches the topic.',
      '  near: x/#: at level 1 the filter has "x", the topic has "y"',
    ]);
    expect(JSON.parse((await wisp('explain', 'acme', 'x/1', '--json')).stdout)).toMatchObject({
      topic: 'x/1',
      recipients: [{ filter: 'x/#' }],
    });

    const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
    expect((await wisp('client', 'disconnect', 'acme', 'a/b c+\u009b\u202e')).stdout).toBe('Disconnected.');
    await closed;
    expect((await wisp('client', 'disconnect', 'acme', 'a/b c+\u009b\u202e')).stdout).toContain(
      'was not connected',
    );
    expect((await wisp('client', 'release', 'acme', 'a/b c+\u009b\u202e')).stdout).toBe('Released.');
    expect((await wisp('client', 'list', 'acme')).stdout).toBe('');
    expect(await wisp('client', 'show', 'acme', 'nobody')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'wisp: the tenant has no such client',
    });
  });
});

describe('wisp client send', () => {
  it('sends to one client, and says what became of the message', async () => {
    const client = await service.connect(acme, { clientId: 'one' });
    const received = inbox(client);
    const send = (...rest: string[]) => wisp('client', 'send', 'acme', 'one', '--topic', 'a/b', ...rest);
    expect((await send('-m', 'x', '--confirm', '10')).stdout).toBe(
      'The client has acknowledged the message.',
    );
    expect(await received.next()).toMatchObject({ topic: 'a/b', text: 'x', qos: 1 });
    const file = join(home.path, 'payload');
    await writeFile(file, Buffer.from([0xff, 0x00]));
    expect((await send('--file', file, '--qos', '0')).stdout).toBe('Sent.');
    await received.next();
    expect((await send('-m', 'x', '--id', '7')).stdout).toBe('Queued for the client.');
    expect((await send('-m', 'x', '--id', '7')).stdout).toBe('An earlier request has queued it.');
    expect(await send('-m', 'x', '--confirm', '26')).toMatchObject({ exitCode: 2 });
    expect(await wisp('client', 'send', 'acme', 'nobody', '--topic', 'a')).toMatchObject({
      exitCode: 1,
      stderr: 'wisp: the tenant has no such client',
    });
  });
});

describe('wisp publish and wisp retained', () => {
  it('publish, list, show and delete', async () => {
    const client = await service.connect(acme, { clientId: 'reader' });
    const received = inbox(client);
    await client.subscribeAsync('news', { qos: 1 });
    expect(await wisp('publish', 'acme', 'news', 'grüße', '--qos', '1', '--retain')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await received.next()).toMatchObject({ text: 'grüße', qos: 1 });
    expect((await wisp('retained', 'list', 'acme', '--prefix', 'ne')).stdout).toBe('QoS 1       7 B  news');
    expect(JSON.parse((await wisp('retained', 'show', 'acme', 'news')).stdout)).toMatchObject({
      payload: 'grüße',
    });
    expect(await wisp('retained', 'delete', 'acme', 'news')).toMatchObject({ exitCode: 0, stdout: '' });
    expect((await wisp('retained', 'list', 'acme')).stdout).toBe('');
    expect((await wisp('publish', 'acme', 'nobody', 'x')).stderr).toBe('this topic has no subscribers');
    expect(await wisp('publish', 'acme', '$SYS/x', 'x')).toMatchObject({
      exitCode: 1,
      stderr: 'wisp: the client may not publish to this topic',
    });
    expect(await wisp('publish', 'acme', 'x', 'x', '--qos', '3')).toMatchObject({ exitCode: 2 });
  });
});

describe('wisp usage', () => {
  it('shows hours and current storage, as a table and as JSON', async () => {
    const mint = await service.tenant('counted');
    const client = await service.connect(mint);
    await client.publishAsync('a', 'xyz', { qos: 1, retain: true });
    await client.endAsync();
    const { now } = JSON.parse((await wisp('usage', 'counted', '--json')).stdout);
    expect(now).toMatchObject({ retainedMessages: 1, retainedBytes: 4 });
    const { stdout } = await wisp('usage', 'counted');
    expect(stdout).toMatch(/^hour \(UTC\) +messagesIn +bytesIn /);
    expect(stdout).toContain('now retainedMessages: 1');
    const minutes = (await wisp('usage', 'counted', '--by', 'minute')).stdout;
    expect(minutes).toMatch(
      /^minute \(UTC\) +messagesIn +messagesOut +refusals\n\d{4}-\d\d-\d\dT\d\d:\d\d +1 +0 +0\n/,
    );
    expect(await wisp('usage', 'counted', '--by', 'second')).toMatchObject({ exitCode: 2 });
    expect(await wisp('usage', 'counted', '--from', 'yesterday')).toMatchObject({ exitCode: 1, stdout: '' });
  });
});

describe('wisp metrics', () => {
  it('prints them once', async () => {
    const { exitCode, stdout } = await wisp('metrics', '--tenant', 'acme');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^# TYPE wisp_messages_in counter\n/);
    expect(stdout).toContain('wisp_connections{tenant="acme"} ');
    expect(stdout).toMatch(/\n# EOF$/);
    expect(await wisp('metrics', '--tenant', 'nobody')).toMatchObject({ exitCode: 1, stdout: '' });
  });

  it('serves them until it is asked to stop, and says why a scrape fails', async () => {
    const terminal = recordingTerminal();
    const running = run(['metrics', '--port', '0'], terminal);
    const url = await vi.waitUntil(() => /http:\S+\/metrics/.exec(terminal.stdout.join())?.[0]);
    const scraped = await fetch(`${url}?tenant=acme&x=y`);
    expect(scraped.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    expect(await scraped.text()).toContain('tenant="acme"');
    const failed = await fetch(`${url}?tenant=nobody`);
    expect({ status: failed.status, text: await failed.text() }).toMatchObject({
      status: 500,
      text: expect.stringContaining('there is no such tenant'),
    });
    const page = await fetch(url, { headers: { origin: 'https://evil.example' } });
    expect(page.status).toBe(403);
    process.emit('SIGTERM', 'SIGTERM');
    expect(await running).toBe(0);
  });
});

describe('wisp revoke', () => {
  it('ends the connection of a client and refuses its token', async () => {
    const mint = await service.tenant('revoking');
    const password = await mint({ sub: 'lost' });
    const client = await service.connect(mint, { password });
    const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
    expect((await wisp('revoke', 'revoking', '--subject', 'lost')).stdout).toMatch(
      /^Tokens issued until \S+Z are/,
    );
    await closed;
    await expect(service.connect(mint, { password })).rejects.toMatchObject({ code: 0x87 });
  });

  it.each([[[]], [['--all', '--subject', 'x']]])('%j does not say which tokens', async (flags) => {
    expect(await wisp('revoke', 'acme', ...flags)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('wisp tenant suspend, resume, delete', () => {
  it('suspend disconnects clients and resume accepts them again', async () => {
    const mint = await service.tenant('pausing');
    const client = await service.connect(mint);
    const reason = new Promise((resolve) =>
      client.once('disconnect', (packet) => resolve(packet.reasonCode)),
    );
    expect((await wisp('tenant', 'suspend', 'pausing')).stdout).toContain('suspended');
    expect(await reason).toBe(0x98);
    expect((await wisp('tenant', 'list')).stdout).toMatch(/^pausing +suspended /m);
    expect((await wisp('tenant', 'resume', 'pausing')).stdout).toContain('resumed');
    expect((await service.connect(mint)).connected).toBe(true);
  });

  it('delete waits until all data is deleted, and deletes the key', async () => {
    await wisp('tenant', 'create', 'brief');
    const key = join(home.path, 'keys', 'brief.jwk');
    await access(key);
    expect(await wisp('tenant', 'delete', 'brief')).toEqual({
      exitCode: 0,
      stdout: 'Tenant brief deleted from the local service.',
      stderr: '',
    });
    await expect(access(key)).rejects.toThrow('ENOENT');
    expect(await wisp('tenant', 'create', 'brief')).toMatchObject({ exitCode: 0 });
  });

  it.each(['suspend', 'resume', 'delete'])('%s of an unknown tenant fails in one line', async (verb) => {
    expect(await wisp('tenant', verb, 'nobody')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'wisp: there is no tenant nobody in the local service',
    });
  });
});

it.each([
  [['client', 'list'], 'no client is connected or has a session'],
  [['subscribers'], 'this topic has no subscribers'],
  [['retained', 'list'], 'no retained messages'],
])('an empty list of %j is reported on standard error', async (command, message) => {
  const { tenant } = await service.tenant('deserted');
  const call = [...command, tenant, ...(command[0] === 'subscribers' ? ['some/topic'] : [])];
  expect(await wisp(...call)).toEqual({ exitCode: 0, stdout: '', stderr: message });
  expect(await wisp(...call, '--json')).toEqual({ exitCode: 0, stdout: '[]', stderr: '' });
});

describe('wisp quotas', () => {
  it('shows, sets and removes quotas, and leaves the others unchanged', async () => {
    await service.tenant('bounded');
    const quotas = async (...changes: string[]) =>
      JSON.parse((await wisp('quotas', 'bounded', ...changes)).stdout);
    expect(await quotas()).toEqual({});
    expect(await quotas('connections=5', 'packetBytes=4096')).toEqual({ connections: 5, packetBytes: 4096 });
    expect(await quotas('connections=none', 'shapes=3')).toEqual({ packetBytes: 4096, shapes: 3 });
    expect(await quotas()).toEqual({ packetBytes: 4096, shapes: 3 });
  });

  it.each(['shapes', 'shapes=-1', 'unknown=3', 'shapes=1.5'])('refuses the change %s', async (change) => {
    expect(await wisp('quotas', 'acme', change)).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('names the bounds of a quota', async () => {
    const { exitCode, stderr } = await wisp('quotas', 'acme', 'packetBytes=4');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('128 to 131072');
  });
});

/** What a hostile client would write to an operator's terminal. */
const hostile = '\u001b[2J\u009b31m\u202egnp.exe\u2066\u200f';

it.each([
  ['client ids', 'client', 'list', 'acme'],
  ['client ids, as JSON', 'client', 'list', 'acme', '--json'],
  ['a client', 'client', 'show', 'acme', hostile],
  ['filters', 'subscribers', 'acme', hostile],
  ['topics', 'retained', 'list', 'acme'],
  ['a message', 'retained', 'show', 'acme', hostile],
  ['an error', 'retained', 'show', hostile, 'a'],
])('no control character or change of direction reaches the terminal: %s', async (_, ...args) => {
  const client = await service.connect(acme, { clientId: hostile });
  await client.subscribeAsync(hostile, { qos: 1 });
  await client.publishAsync(hostile, 'x', { qos: 1, retain: true });
  const { stdout, stderr } = await wisp(...args);
  expect(stdout + stderr).toContain('gnp.exe');
  expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/[\p{Control}\p{Bidi_Control}]/u);
  await client.publishAsync(hostile, '', { qos: 1, retain: true });
  await client.endAsync();
});
