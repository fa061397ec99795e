import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import mqtt from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundling, fromRuntime } from '../../cdk/bundling.ts';
import { functionSource } from '../../cdk/function-source.ts';
import { functionNames, presets } from '../../cdk/settings.ts';
import { WispStack } from '../../cdk/stack.ts';
import { defaultProvider } from '../../cdk/stubs/credential-provider-node.ts';
import { EventStreamSerde } from '../../cdk/stubs/event-streams.ts';
import { handler } from './fixtures/packets.ts';

const load = createRequire(import.meta.url);
const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const directories: string[] = [];

/** Synthesises with bundling and returns the paths of the bundles. */
function bundle(fill: (app: App) => void): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'wisp-bundles-'));
  directories.push(directory);
  const app = new App({ autoSynth: false, outdir: directory });
  fill(app);
  app.synth();
  const assets = readdirSync(directory).filter((name) => name.startsWith('asset.'));
  return assets.map((name) => join(directory, name, 'index.js'));
}

afterEach(() => vi.unstubAllEnvs());
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

describe('bundles of the functions', () => {
  let bundles: string[] = [];
  beforeAll(() => {
    bundles = bundle((app) => new WispStack(app, 'Wisp', presets.dev));
  }, 120_000);

  it('are one CommonJS file each, with the SDK inside and the credential chain outside', () => {
    expect(bundles).toHaveLength(functionNames.length);
    for (const path of bundles) {
      const code = fromRuntime.reduce(
        (text, name) => text.replaceAll(`require("${name}")`, ''),
        readFileSync(path, 'utf8'),
      );
      expect(code).not.toMatch(/require\("(@|debug|readable-stream|mqtt|jose)/);
      expect(code).not.toMatch(/AWS_CONTAINER_CREDENTIALS_RELATIVE_URI|sso_session|AWS_ROLE_ARN/);
      expect(code).not.toMatch(/^(import|export) /m);
    }
  });

  it('contain only what they need: the handshake has neither codec nor delivery', () => {
    const sizes = bundles.map((path) => statSync(path).size).sort((one, other) => one - other);
    expect(sizes[0]).toBeLessThan(360_000);
    // Only the admin API, off the message path, changes and tests rules, traces and explains.
    expect(sizes.at(-1)).toBeLessThan(780_000);
    expect(sizes.at(-2)).toBeLessThan(710_000);
    const small = bundles.filter((path) => !readFileSync(path, 'utf8').includes('Invalid topic'));
    expect(small).toHaveLength(1);
  });

  it('export a handler', () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    for (const table of ['CONNECTIONS', 'SESSIONS', 'SUBSCRIPTIONS', 'RETAINED', 'TENANTS']) {
      vi.stubEnv(`${table}_TABLE`, table);
    }
    vi.stubEnv('CALLBACK_ENDPOINT', 'https://a.execute-api.eu-west-1.amazonaws.com/mqtt');
    vi.stubEnv('TIMER_QUEUE_URL', 'https://sqs.eu-west-1.amazonaws.com/123456789012/timers');
    for (const path of bundles) expect(typeof load(path).handler).toBe('function');
  });
});

it.each([
  ['rule', 830_000],
  ['ruleKafka', 1_600_000],
  ['ownRules', 725_000],
  ['inbound', 725_000],
  ['backDoor', 280_000],
] as const)(
  'the bundle of %s, which is off by default, stays below %i bytes',
  (name, maxBytes) => {
    const [path = ''] = bundle((app) => {
      const stack = new Stack(app, 'Stack');
      new NodejsFunction(stack, name, { ...functionSource(name), runtime: Runtime.NODEJS_24_X });
    });
    expect(statSync(path).size).toBeLessThan(maxBytes);
  },
  60_000,
);

describe('the replaced modules', () => {
  it('parse and write packets as the unbundled code does', () => {
    const [path] = bundle((app) => {
      new NodejsFunction(new Stack(app, 'Fixture'), 'Packets', {
        entry: fromHere('./fixtures/packets.ts'),
        runtime: Runtime.NODEJS_24_X,
        projectRoot: fromHere('../..'),
        depsLockFilePath: fromHere('../../package-lock.json'),
        bundling,
      });
    });
    const packets: mqtt.Packet[] = [
      { cmd: 'connect', clientId: 'a', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60 },
      {
        cmd: 'publish',
        topic: 'a/b',
        payload: Buffer.from('x'),
        qos: 1,
        messageId: 7,
        dup: false,
        retain: true,
      },
      { cmd: 'pingreq' },
    ];
    const written = packets.map((packet) => mqtt.generate(packet, { protocolVersion: 5 }));
    const base64 = Buffer.concat(written).toString('base64');
    const expected = handler(base64);
    expect(expected).toEqual({ commands: ['connect', 'publish', 'pingreq'], written: base64 });
    expect(load(path ?? '').handler(base64)).toEqual(expected);
  }, 60_000);

  const stubCredentials = (key?: string, secret?: string, session?: string): void => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', key);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
    vi.stubEnv('AWS_SESSION_TOKEN', session);
  };

  it('return the credentials that Lambda sets in the environment', async () => {
    stubCredentials('key', 'secret', 'session');
    expect(await defaultProvider()()).toEqual({
      accessKeyId: 'key',
      secretAccessKey: 'secret',
      sessionToken: 'session',
    });
    stubCredentials('key', 'secret');
    expect(await defaultProvider()()).toEqual({ accessKeyId: 'key', secretAccessKey: 'secret' });
  });

  it('name the credential that is missing', async () => {
    stubCredentials(undefined, 'secret');
    await expect(defaultProvider()()).rejects.toThrow('AWS_ACCESS_KEY_ID');
  });
});

describe('event streams', () => {
  it('fail with a message when they are used', () => {
    expect(() => new EventStreamSerde()).toThrow('left out of this bundle');
  });
});
