/**
 * The list of layers: which part of the code may import from which. `npm run layers` makes the
 * linter's allow-lists (biome.layers.json) and the tables of docs/architecture.md from it.
 */

export interface Layer {
  readonly name: string;
  /**
   * Folders and files of the layer; default: its name. A path inside the folder of another layer
   * belongs to this layer alone.
   */
  readonly paths?: readonly string[];
  readonly about: string;
  /** Layers that it may import from. */
  readonly knows: readonly string[];
  /** Packages and Node modules that it may import. `*` at the end stands for any rest. */
  readonly packages: readonly string[];
  /** Files outside of all layers that it may import. */
  readonly files?: readonly string[];
}

/** A folder of tests, or of what tests share. It may import any package. */
export interface TestFolder {
  readonly name: string;
  readonly about: string;
  /** Layers under test: the tests may import from them and from what they know. */
  readonly of: readonly string[];
  /** Other layers and folders of tests that it may import from. */
  readonly also: readonly string[];
}

/** From top to bottom: a layer knows only layers below it. */
export const layers: readonly Layer[] = [
  {
    name: 'console',
    about: 'the page for operators, in their browsers',
    knows: ['lib/client', 'lib/topics'],
    packages: ['preact', 'preact/*', '@preact/signals', 'uplot', 'uplot/*', 'mqtt'],
  },
  {
    name: 'build',
    about: 'bundles the command, the adapter and the CDK construct',
    knows: ['cdk'],
    packages: ['esbuild', 'node:*'],
  },
  {
    name: 'lib/cli',
    about: 'the command `wisp`',
    knows: [
      'lib/local',
      'lib/local/console',
      'lib/local/operator',
      'lib/local/parts',
      'lib/bridge',
      'lib/edge',
      'lib/listeners',
      'lib/client',
      'lib/client/node.ts',
      'lib/client/connect',
      'lib/mqtt',
      'lib/topics',
      'lib/wire',
      'lib/aws',
      'lib/store',
      'lib/auth',
      'lib/metrics',
      'lib/core',
    ],
    packages: ['commander', 'mqtt', '@aws-sdk/*', '@smithy/*', 'ws', 'node:*'],
    files: ['package.json'],
  },
  {
    name: 'cdk',
    about: 'the stack; `cdk/local` deploys it to an emulator of AWS',
    knows: ['lib/local', 'lib/local/operator', 'lib/aws', 'lib/store', 'lib/core', 'lib/wire'],
    packages: ['aws-cdk-lib', 'aws-cdk-lib/*', 'cdk-nag', 'constructs', '@aws-sdk/*', 'node:*'],
  },
  {
    name: 'lib/local',
    about: 'the whole service in one process',
    knows: [
      'lib/local/operator',
      'lib/local/gateway',
      'lib/local/dynamodb',
      'lib/local/queue',
      'lib/local/http-api',
      'lib/local/console',
      'lib/local/parts',
      'functions',
      'lib/aws',
      'lib/store',
      'lib/rules',
      'lib/admin',
      'lib/http',
      'lib/metrics',
      'lib/core',
      'lib/bridge',
      'lib/edge',
      'lib/wire',
    ],
    packages: ['@aws-sdk/*', '@peculiar/x509', 'reflect-metadata', 'node:*'],
  },
  {
    name: 'lib/local/console',
    about: 'serves the console to the browser of the operator',
    knows: ['lib/local/operator', 'lib/local/parts', 'lib/http', 'lib/auth', 'lib/core'],
    packages: ['valibot', 'node:*'],
  },
  {
    name: 'lib/local/operator',
    about: 'keys, tokens and state on the machine of the operator',
    knows: ['lib/auth', 'lib/core', 'lib/topics'],
    packages: ['jose', 'node:*'],
  },
  {
    name: 'lib/local/gateway',
    about: "emulator of API Gateway's WebSocket APIs",
    knows: ['lib/local/parts'],
    packages: ['ws', 'node:*'],
  },
  {
    name: 'lib/local/dynamodb',
    about: 'embedded DynamoDB',
    knows: ['lib/local/parts'],
    packages: ['node:*'],
  },
  {
    name: 'lib/local/queue',
    about: 'embedded SQS',
    knows: ['lib/local/parts'],
    packages: ['node:*'],
  },
  {
    name: 'lib/local/http-api',
    about: "emulator of API Gateway's HTTP APIs",
    knows: ['lib/local/parts'],
    packages: ['node:*'],
  },
  {
    name: 'lib/local/parts',
    paths: [
      'lib/local/aws-json.ts',
      'lib/local/billing.ts',
      'lib/local/clock.ts',
      'lib/local/fetch-failure.ts',
      'lib/local/from-program.ts',
      'lib/local/listen.ts',
      'lib/local/read-body.ts',
      'lib/local/url-host.ts',
    ],
    about: 'what the emulators share',
    knows: [],
    packages: ['node:*'],
  },
  {
    name: 'functions',
    about: 'entry points of Lambda',
    knows: ['lib/aws', 'lib/admin', 'lib/http', 'lib/core', 'lib/wire'],
    packages: [],
  },
  {
    name: 'lib/edge/main.ts',
    about: 'the process of an edge, by its environment',
    knows: ['lib/edge', 'lib/listeners', 'lib/aws', 'lib/metrics', 'lib/core'],
    packages: ['node:*'],
  },
  {
    name: 'lib/aws',
    about: 'clients, events, timers and logs; composes the service',
    knows: [
      'lib/store',
      'lib/admin',
      'lib/http',
      'lib/broker',
      'lib/rules/run',
      'lib/kafka',
      'lib/rules/targets',
      'lib/rules',
      'lib/limits',
      'lib/auth',
      'lib/core',
      'lib/wire',
    ],
    packages: ['@aws-sdk/*', '@smithy/signature-v4', '@aws-lambda-powertools/*', 'node:crypto', 'valibot'],
  },
  {
    name: 'lib/store',
    about: 'DynamoDB tables behind the ports of `lib/core`',
    knows: ['lib/auth', 'lib/core', 'lib/topics'],
    packages: ['@aws-sdk/client-dynamodb', 'node:crypto', 'node:util'],
  },
  {
    name: 'lib/admin',
    about: "the operator's HTTP API, one file per resource",
    knows: [
      'lib/http',
      'lib/broker',
      'lib/sessions',
      'lib/rules/run',
      'lib/delivery',
      'lib/rules/targets',
      'lib/rules',
      'lib/limits',
      'lib/auth',
      'lib/metrics',
      'lib/core',
      'lib/topics',
    ],
    packages: ['node:buffer', 'node:crypto', 'valibot'],
  },
  {
    name: 'lib/http',
    about: "what tenants' tokens allow over HTTP: publishing, own rules",
    knows: [
      'lib/broker',
      'lib/sessions',
      'lib/rules/run',
      'lib/delivery',
      'lib/limits',
      'lib/rules/targets',
      'lib/rules',
      'lib/auth',
      'lib/core',
    ],
    packages: ['valibot'],
  },
  {
    name: 'lib/edge',
    about: 'stock MQTT clients with the broker in the same process',
    knows: ['lib/listeners', 'lib/broker', 'lib/limits', 'lib/metrics', 'lib/core', 'lib/wire'],
    packages: ['valibot', 'ws', 'node:*'],
  },
  {
    name: 'lib/broker',
    about: 'the protocol: frames, one handler per packet, timers',
    knows: [
      'lib/sessions',
      'lib/delivery',
      'lib/limits',
      'lib/auth',
      'lib/core',
      'lib/mqtt',
      'lib/wire',
      'lib/topics',
    ],
    packages: [],
  },
  {
    name: 'lib/sessions',
    about: 'opening, taking over and ending sessions and connections; Wills; presence; revocation',
    knows: ['lib/delivery', 'lib/limits', 'lib/auth', 'lib/core', 'lib/mqtt', 'lib/wire', 'lib/topics'],
    packages: [],
  },
  {
    name: 'lib/rules/run',
    about: 'workers of rules: attempts, outages, failures, republishing',
    knows: ['lib/delivery', 'lib/rules', 'lib/limits', 'lib/core', 'lib/topics'],
    packages: [],
  },
  {
    name: 'lib/delivery',
    about: 'audiences, queues, posts, fan-out',
    knows: ['lib/rules', 'lib/limits', 'lib/core', 'lib/mqtt', 'lib/wire', 'lib/topics'],
    packages: ['node:crypto'],
  },
  {
    name: 'lib/kafka',
    about: 'the target of rules that needs a client of Kafka',
    knows: ['lib/rules', 'lib/core'],
    packages: ['@platformatic/kafka'],
  },
  {
    name: 'lib/rules/targets',
    about: 'targets of rules that need no AWS client: webhooks and their signature',
    knows: ['lib/rules', 'lib/https', 'lib/core'],
    packages: ['node:buffer', 'node:crypto', 'node:http'],
  },
  {
    name: 'lib/rules',
    about: 'rules: event patterns, templates, what is sent; pure',
    knows: ['lib/core', 'lib/topics'],
    packages: ['node:buffer', 'valibot'],
  },
  {
    name: 'lib/limits',
    about: 'usage, rates, quotas',
    knows: ['lib/core', 'lib/mqtt', 'lib/topics'],
    packages: [],
  },
  {
    name: 'lib/auth',
    about: 'tokens → identity → permissions',
    knows: ['lib/https', 'lib/core', 'lib/topics'],
    packages: ['jose', 'node:crypto', 'node:http', 'valibot'],
  },
  {
    name: 'lib/https',
    about: 'requests to URLs of tenants, guarded against request forgery',
    knows: [],
    packages: ['node:dns', 'node:dns/promises', 'node:http', 'node:https', 'node:net'],
  },
  {
    name: 'lib/metrics',
    about: 'counters and the process as OpenMetrics',
    knows: ['lib/core'],
    packages: ['node:*'],
  },
  {
    name: 'lib/core',
    about: 'domain model, ports, settings, reasons: types and pure rules',
    knows: ['lib/mqtt', 'lib/wire', 'lib/topics'],
    packages: ['valibot'],
  },
  {
    name: 'lib/bridge',
    about: 'stock MQTT ⇄ the wire profile',
    knows: ['lib/listeners', 'lib/client'],
    packages: ['ws', 'node:*'],
  },
  {
    name: 'lib/listeners',
    about: 'TCP, TLS and WebSocket for stock clients',
    knows: ['lib/wire'],
    packages: ['ws', 'node:*'],
  },
  {
    name: 'lib/client/connect',
    paths: [
      'lib/client/connect.ts',
      'lib/client/connect-node.ts',
      'lib/client/paho.ts',
      'lib/client/renewal',
    ],
    about: 'MQTT.js and Paho JS that stay connected with valid tokens',
    knows: ['lib/client', 'lib/client/node.ts', 'lib/wire'],
    packages: ['mqtt'],
  },
  {
    name: 'lib/client/react',
    paths: ['lib/client/react.ts', 'lib/client/react'],
    about: 'hooks of React over an MQTT.js client',
    knows: ['lib/topics'],
    packages: ['mqtt', 'react'],
  },
  {
    name: 'lib/client/node.ts',
    about: 'the adapter in Node',
    knows: ['lib/client'],
    packages: ['ws', 'node:stream'],
  },
  {
    name: 'lib/client',
    about: 'adapter for MQTT libraries, in browsers too',
    knows: ['lib/wire'],
    packages: [],
  },
  {
    name: 'lib/mqtt',
    about: 'packets ⇄ bytes',
    knows: [],
    packages: ['mqtt-packet', 'node:buffer'],
  },
  {
    name: 'lib/wire',
    about: 'the wire profile',
    knows: [],
    packages: [],
  },
  {
    name: 'lib/topics',
    about: 'topic filters, shapes, skip-scan',
    knows: [],
    packages: [],
  },
];

const emulators = ['lib/local/gateway', 'lib/local/dynamodb', 'lib/local/queue', 'lib/local/parts'];

/**
 * Tests of the pure layers import only those. Tests above them may drive the emulators, and the
 * whole service through test/support. Only folders about the whole service import more.
 */
export const testFolders: readonly TestFolder[] = [
  { name: 'test/mqtt', about: 'packets', of: ['lib/mqtt'], also: [] },
  { name: 'test/wire', about: 'wire profile', of: ['lib/wire'], also: [] },
  { name: 'test/topics', about: 'topic filters', of: ['lib/topics'], also: [] },
  {
    name: 'test/client',
    about: 'adapter',
    of: ['lib/client', 'lib/client/node.ts', 'lib/client/connect', 'lib/client/react'],
    also: ['build', 'test/wire'],
  },
  {
    name: 'test/client/consumers',
    about: 'the client package in other projects',
    of: ['lib/client'],
    also: ['test/support'],
  },
  {
    name: 'test/bridge',
    about: 'bridge',
    of: ['lib/bridge'],
    also: ['build', 'test/support', 'test/client'],
  },
  {
    name: 'test/edge',
    about: 'the edge',
    of: ['lib/edge'],
    also: ['lib/aws', 'lib/store', 'test/support', 'test/broker', ...emulators],
  },
  { name: 'test/listeners', about: 'sockets', of: ['lib/listeners'], also: ['lib/local', 'test/support'] },
  { name: 'test/metrics', about: 'OpenMetrics', of: ['lib/metrics'], also: [] },
  { name: 'test/https', about: 'guarded HTTPS', of: ['lib/https'], also: ['test/support'] },
  {
    name: 'test/rules/run',
    about: 'workers of rules',
    of: ['lib/rules/run'],
    also: ['lib/aws', 'lib/local', 'lib/rules/targets', 'test/rules', 'test/support', ...emulators],
  },
  {
    name: 'test/rules/targets',
    about: 'targets of rules',
    of: ['lib/rules/targets'],
    also: ['lib/aws', 'lib/local', 'test/support', ...emulators],
  },
  {
    name: 'test/kafka',
    about: 'records in a real Kafka',
    of: ['lib/kafka'],
    also: ['test/rules/targets', 'test/support'],
  },
  { name: 'test/core', about: 'reasons and pure rules', of: ['lib/core'], also: [] },
  { name: 'test/auth', about: 'tokens and permissions', of: ['lib/auth'], also: ['test/support'] },
  { name: 'test/rules', about: 'patterns, templates and checks of rules', of: ['lib/rules'], also: [] },
  {
    name: 'test/store',
    about: 'contracts of the tables',
    of: ['lib/store'],
    also: ['lib/aws', 'test/support', ...emulators],
  },
  {
    name: 'test/delivery',
    about: 'rules that messages fire',
    of: ['lib/delivery'],
    also: ['test/support', 'test/broker', 'test/bench', ...emulators],
  },
  { name: 'test/fanout', about: 'fan-out', of: ['lib/delivery'], also: ['test/support', 'test/broker'] },
  {
    name: 'test/sessions',
    about: 'sessions over time',
    of: ['lib/sessions'],
    also: ['test/support', 'test/broker', 'test/races', ...emulators],
  },
  {
    name: 'test/tenants',
    about: 'quotas, usage, revocation',
    of: ['lib/broker'],
    also: ['test/support', 'test/broker', 'test/admin', 'test/bench', ...emulators],
  },
  {
    name: 'test/broker',
    about: 'protocol',
    of: ['lib/broker'],
    also: ['lib/aws', 'test/support', 'test/bench', 'test/mqtt', ...emulators],
  },
  { name: 'test/admin', about: 'HTTP APIs', of: ['lib/admin'], also: ['test/support'] },
  { name: 'test/aws', about: 'clients of AWS', of: ['lib/aws'], also: ['test/support', ...emulators] },
  {
    name: 'test/functions',
    about: 'entry points of Lambda',
    of: ['functions'],
    also: ['lib/broker', 'lib/local', 'test/support', ...emulators],
  },
  {
    name: 'test/reasons',
    about: 'each code is noted when it refuses or drops',
    of: ['lib/local', 'lib/broker'],
    also: [
      'lib/rules',
      'lib/rules/run',
      'lib/listeners',
      'test/support',
      'test/broker',
      'test/delivery',
      'test/mqtt',
    ],
  },
  {
    name: 'test/local',
    about: 'local service',
    of: ['lib/local'],
    also: ['lib/rules', 'test/rules/targets', 'test/support', 'test/wire'],
  },
  {
    name: 'test/console',
    about: 'console',
    of: ['lib/local'],
    also: ['build', 'console', 'lib/mqtt', 'test/bench', 'test/support', 'test/integration'],
  },
  {
    name: 'test/cli',
    about: 'command',
    of: ['lib/cli'],
    also: ['build', 'test/support', 'test/client', ...emulators],
  },
  {
    name: 'test/cdk',
    about: 'stack',
    of: ['cdk'],
    also: ['build', 'functions', 'lib/edge', 'test/support', ...emulators],
  },
  {
    name: 'test/races',
    about: 'interleavings and crashes',
    of: ['functions', 'lib/aws', 'lib/broker'],
    also: ['test/support', ...emulators],
  },
  {
    name: 'test/integration',
    about: 'stock clients',
    of: ['lib/bridge', 'lib/client/connect', 'lib/client/react'],
    also: ['lib/wire', 'test/support', ...emulators],
  },
  {
    name: 'test/examples',
    about: 'examples',
    of: ['lib/bridge'],
    also: [
      'lib/rules',
      'lib/rules/targets',
      'test/rules',
      'test/rules/run',
      'test/rules/targets',
      'build',
      'test/support',
      ...emulators,
    ],
  },
  {
    name: 'test/deployed',
    about: 'deployed stack',
    of: ['lib/cli', 'lib/client'],
    also: ['test/rules/targets', 'test/support'],
  },
  {
    name: 'test/bench',
    about: 'benchmark',
    of: ['lib/local', 'cdk'],
    also: [
      'lib/rules/run',
      'lib/rules/targets',
      'lib/auth',
      'lib/mqtt',
      'lib/client/node.ts',
      'test/support',
    ],
  },
  {
    name: 'test/support',
    about: 'the running service and clients, for tests',
    of: ['lib/local'],
    also: ['lib/auth', 'lib/mqtt', 'lib/client/node.ts'],
  },
  { name: 'test/docs', about: 'pages', of: ['lib/cli'], also: ['test/bench'] },
  { name: 'test/layers', about: 'layers', of: [], also: ['test/bench', 'test/support'] },
  { name: 'test/conformance', about: 'clauses that tests quote', of: [], also: [] },
];

export function pathsOf({ name, paths = [name] }: Pick<Layer, 'name' | 'paths'>): readonly string[] {
  return paths;
}

export function isFile(path: string): boolean {
  return /\.(ts|json)$/.test(path);
}

/** What the linter restricts: a layer, or a folder of tests, which may import any package. */
export type Restricted = Pick<Layer, 'name' | 'paths' | 'knows' | 'files'> & Partial<Pick<Layer, 'packages'>>;

export function allRestricted(): readonly Restricted[] {
  const knownTo = (name: string) => layers.find((layer) => layer.name === name)?.knows ?? [];
  return [
    ...layers,
    ...testFolders.map(({ name, of, also }) => ({
      name,
      knows: [...new Set([...of, ...of.flatMap(knownTo), ...also])],
    })),
  ];
}
