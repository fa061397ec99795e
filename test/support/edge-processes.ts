import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { tableVariables } from '../../lib/aws/environment.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { localTables, type TestService } from './service.ts';

const main = fileURLToPath(new URL('../../lib/edge/main.ts', import.meta.url));
const healthyWithinMs = 30_000;
const healthPollMs = 100;

export interface EdgeProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly healthPort: number;
  /** What it has written so far. */
  readonly output: () => string;
}

/**
 * The environment of an edge process that reaches the tables, queues and APIs of a local service
 * over HTTP. The service must have been started with `edge: true`.
 */
export async function edgeEnvironmentOf(service: TestService): Promise<Record<string, string>> {
  const queues = await service.queues.listen();
  const queueUrl = (name: string) => `${queues.url}/000000000000/${name}`;
  const { backDoor } = service;
  if (backDoor === undefined) throw new Error('the service has no back door');
  return {
    ...Object.fromEntries(tableNames.map((kind) => [tableVariables[kind], localTables[kind]])),
    AWS_ENDPOINT_URL_DYNAMODB: await service.exposeTables(),
    AWS_REGION: backDoor.region,
    AWS_ACCESS_KEY_ID: backDoor.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: backDoor.credentials.secretAccessKey,
    TIMER_QUEUE_URL: queueUrl('wisp-timers'),
    LOOK_QUEUE_URL: queueUrl('wisp-looks'),
    FANOUT_QUEUE_URL: queueUrl('wisp-fanout.fifo'),
    CALLBACK_ENDPOINT: service.gateway.callbackUrl,
    BACK_DOOR_URL: backDoor.url,
    BACK_DOOR_ENDPOINT: backDoor.gateway.callbackUrl,
    EDGE_HOST: '127.0.0.1',
    EDGE_STOP_SECONDS: '1',
  };
}

/**
 * Starts the process that a container runs, and waits until it is healthy.
 *
 * @param ports its ports, for an edge that takes the place of another; default: free ones.
 * @param nodeOptions options of Node, before the script.
 */
export async function startEdgeProcess(
  environment: Readonly<Record<string, string>>,
  ports?: Pick<EdgeProcess, 'port' | 'healthPort'>,
  nodeOptions: readonly string[] = [],
): Promise<EdgeProcess> {
  const port = ports?.port ?? (await freePort());
  const healthPort = ports?.healthPort ?? (await freePort());
  const child = spawn(process.execPath, [...nodeOptions, '--import', 'tsx', main], {
    env: {
      PATH: process.env.PATH ?? '',
      EDGE_MQTT_PORT: String(port),
      EDGE_HEALTH_PORT: String(healthPort),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      output += text;
    });
  const untilMs = Date.now() + healthyWithinMs;
  while (!(await isHealthy(healthPort))) {
    if (child.exitCode !== null || Date.now() > untilMs) {
      child.kill('SIGKILL');
      throw new Error(`the edge has not become healthy: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, healthPollMs));
  }
  return { child, port, healthPort, output: () => output };
}

export async function killEdgeProcess({ child }: EdgeProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function isHealthy(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
