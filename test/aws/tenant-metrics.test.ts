import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tableVariables, tenantMetricsVariable } from '../../lib/aws/environment.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { localTables, type Mint, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let mint: Mint;
let tablesUrl: string;
beforeAll(async () => {
  service = await startTestService();
  mint = await service.tenant('acme');
  tablesUrl = await service.exposeTables();
});
afterAll(() => service.close());

const payload = 'a-secret-payload';
const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/**
 * Runs code in a process of its own.
 * @returns the lines that it writes, as Lambda hands them to CloudWatch.
 */
async function linesOf(code: string, variables: Record<string, string>): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', code],
    { env: { ...process.env, ...variables } },
  );
  expect(stdout + stderr).not.toContain(payload);
  return (stdout + stderr)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const isOfTenant = (line: Record<string, unknown>): boolean => JSON.stringify(line).includes('"tenant"');

/**
 * The `publish` function handles one retained message, and a later call writes what it has counted.
 */
async function published(variables: Record<string, string>) {
  const token = await mint();
  const event = {
    version: '2.0',
    rawPath: '/publish/kept',
    rawQueryString: 'retain=true',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
    requestContext: { http: { method: 'POST' } },
    body: payload,
    isBase64Encoded: false,
  };
  const lines = await linesOf(
    `import { createPublishHandler } from ${JSON.stringify(path('functions/publish.ts'))};
     import { functionService } from ${JSON.stringify(path('lib/aws/function-service.ts'))};
     const result = await createPublishHandler(functionService)(${JSON.stringify(event)});
     if (result.statusCode !== 200) throw new Error(JSON.stringify(result));
     const usage = functionService().context.usage;
     usage.count('acme', { connections: 1, connects: 1, connectionMs: 1500, messagesOut: 2, bytesOut: 40 });
     await functionService().flush();`,
    {
      ...Object.fromEntries(tableNames.map((kind) => [tableVariables[kind], localTables[kind]])),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: tablesUrl,
      TIMER_QUEUE_URL: 'http://127.0.0.1:9/timers',
      CALLBACK_ENDPOINT: 'http://127.0.0.1:9/mqtt',
      POWERTOOLS_SERVICE_NAME: 'WispDev',
      ...variables,
    },
  );
  expect(JSON.stringify(lines)).not.toContain(token);
  return lines;
}

/** The metrics that a line declares, and their values. */
const metricsOf = (line: Record<string, unknown>) => {
  const { CloudWatchMetrics } = line._aws as {
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
    expect({ Namespace, Dimensions }).toEqual({ Namespace: 'Wisp', Dimensions: [['service', 'tenant']] });
    return Metrics.map(({ Name, Unit }) => [Name, Unit, line[Name]]);
  });
};

test('usage that is written to the table is written as metrics of the tenant, a line for each write, where asked for', async () => {
  const lines = (await published({ [tenantMetricsVariable]: 'true' })).filter(isOfTenant);
  const bytes = 'kept'.length + payload.length;
  // The counts of connections are written apart from the others.
  expect(lines).toMatchObject([
    { service: 'WispDev', tenant: 'acme' },
    { service: 'WispDev', tenant: 'acme' },
  ]);
  expect(lines.flatMap(metricsOf).sort()).toEqual([
    ['BytesIn', 'Bytes', bytes],
    ['BytesOut', 'Bytes', 40],
    ['ConnectionTime', 'Milliseconds', 1500],
    ['Connects', 'Count', 1],
    ['MessagesIn', 'Count', 1],
    ['MessagesOut', 'Count', 2],
    ['StoredBytes', 'Bytes', bytes],
  ]);
});

test('by default it is in the table alone', async () => {
  const lines = await published({});
  expect(lines.filter(isOfTenant)).toEqual([]);
  expect(JSON.stringify(lines)).toContain('MessagesReceived');
});

test('the local service has none, whatever its environment says', async () => {
  const lines = await linesOf(
    `import { startTestService } from ${JSON.stringify(path('test/support/service.ts'))};
     const service = await startTestService();
     const client = await service.connect(await service.tenant('acme'));
     await client.publishAsync('a', ${JSON.stringify(payload)}, { qos: 1 });
     await client.endAsync();
     await service.service.flush();
     console.log(JSON.stringify({ ended: true }));
     await service.close();`,
    { [tenantMetricsVariable]: 'true' },
  );
  expect(lines).toEqual([{ ended: true }]);
});
