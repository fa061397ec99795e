/**
 * Child process that runs only the message function. It calls DynamoDB and API Gateway over HTTP as
 * in Lambda, so the CPU time of the process is that of the function.
 */
import type { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { parser } from 'mqtt-packet';
import { createMessageHandler } from '../../../functions/message.ts';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { createManagementClient } from '../../../lib/aws/gateway.ts';
import { createService } from '../../../lib/aws/service.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createLocalLog } from '../../../lib/local/log.ts';
import { localTables } from '../../../lib/local/service.ts';
import { serve } from '../process.ts';
import { profiled } from './profile.ts';

export interface Endpoints {
  readonly tablesUrl: string;
  readonly queuesUrl: string;
  readonly timerQueueUrl: string;
  readonly lookQueueUrl: string;
  readonly fanoutQueueUrl: string;
  readonly callbackUrl: string;
}

export interface Frame {
  readonly connectionId: string;
  readonly body: string;
  readonly count: number;
}

type Handle = (event: unknown) => Promise<unknown>;
type Client = DynamoDBClient | ApiGatewayManagementApiClient;
interface Sent {
  readonly client: Client;
  readonly command: { readonly input: object };
}

let handle: Handle | undefined;
let clients: readonly Client[] = [];
/** SDK calls of the recorded frame. */
let recorded: readonly Sent[] = [];

const offered = {
  async start({
    tablesUrl,
    queuesUrl,
    timerQueueUrl,
    lookQueueUrl,
    fanoutQueueUrl,
    callbackUrl,
  }: Endpoints): Promise<void> {
    const common = { region: 'us-east-1', credentials: localCredentials };
    const dynamo = createDynamoClient({ ...common, endpoint: tablesUrl });
    const management = createManagementClient({ ...common, endpoint: callbackUrl });
    clients = [dynamo, management];
    const { broker, usage } = createService({
      dynamo,
      sqs: createSqsClient({ ...common, endpoint: queuesUrl }),
      management,
      tables: localTables,
      timerQueueUrl,
      lookQueueUrl,
      fanoutQueueUrl,
      log: createLocalLog('silent', () => {}),
    });
    handle = createMessageHandler(() => ({ broker, flush: () => usage.flush() }));
  },

  /** @returns microseconds of CPU time (user and system) per frame. */
  run: (frame: Frame): Promise<number> => cpuMicroseconds(frame.count, () => handled(frame)),

  profile: (frame: Frame): Promise<[string, number][]> =>
    profiled(() => repeated(frame.count, () => handled(frame))),

  /** Handles one frame and records its SDK calls. @returns the names of the calls. */
  async record(frame: Frame): Promise<string[]> {
    const sent: Sent[] = [];
    const restore = clients.map((client) => {
      const { send } = client;
      client.send = ((command: Sent['command'], ...rest: never[]) => {
        sent.push({ client, command });
        return (send as (...all: unknown[]) => unknown).call(client, command, ...rest);
      }) as typeof send;
      return () => {
        client.send = send;
      };
    });
    await handled(frame);
    for (const undo of restore) undo();
    recorded = sent;
    return sent.map(({ command }) => command.constructor.name.replace('Command', ''));
  },

  /** Measures the minimum for any implementation: base64, parsing and the recorded SDK calls. */
  async floor({ body, count }: Frame): Promise<{ total: number; withoutCalls: number }> {
    const decode = (): void => {
      const reader = parser({ protocolVersion: 5 });
      reader.on('packet', () => {});
      reader.parse(Buffer.from(body, 'base64'));
      Buffer.from(body, 'base64').toString('base64');
    };
    const withoutCalls = await cpuMicroseconds(count, async () => decode());
    const total = await cpuMicroseconds(count, async () => {
      decode();
      for (const { client, command } of recorded) {
        const Command = command.constructor as new (input: object) => object;
        const send = client.send as (command: object) => Promise<unknown>;
        await send.call(client, new Command(command.input));
      }
    });
    return { total, withoutCalls };
  },
};
export type FunctionProcess = typeof offered;

async function handled({ connectionId, body }: Frame): Promise<void> {
  if (handle === undefined) throw new Error('not started');
  await handle({ requestContext: { connectionId }, body });
}

async function repeated(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await work();
}

async function cpuMicroseconds(count: number, work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await repeated(count, work);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

serve(offered);
