import { expect, test } from 'vitest';
import {
  callbackEndpointVariable,
  EnvironmentError,
  fanoutQueueVariable,
  functionEnvironment,
  lookQueueVariable,
  tableVariables,
  tenantMetricsVariable,
  timerQueueVariable,
} from '../../lib/aws/environment.ts';
import { tableNames } from '../../lib/store/schema.ts';

const complete: Record<string, string> = {
  ...Object.fromEntries(tableNames.map((kind) => [tableVariables[kind], `table-of-${kind}`])),
  [timerQueueVariable]: 'https://sqs/timers',
  [lookQueueVariable]: 'https://sqs/looks',
  [fanoutQueueVariable]: 'https://sqs/slices.fifo',
  [callbackEndpointVariable]: 'https://api/mqtt',
};

test('reads tables, queues and callback endpoint', () => {
  expect(functionEnvironment(complete)).toEqual({
    tables: Object.fromEntries(tableNames.map((kind) => [kind, `table-of-${kind}`])),
    timerQueueUrl: 'https://sqs/timers',
    lookQueueUrl: 'https://sqs/looks',
    fanoutQueueUrl: 'https://sqs/slices.fifo',
    callbackEndpoint: 'https://api/mqtt',
    tenantMetrics: false,
    publishOrigins: ['*'],
  });
});

test("the SDK's own variable for another endpoint comes first", () => {
  const variables = { ...complete, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:8080/mqtt' };
  expect(functionEnvironment(variables).callbackEndpoint).toBe('http://127.0.0.1:8080/mqtt');
});

test('usage is written as metrics only if the variable says so', () => {
  const asked = (value: string) => functionEnvironment({ ...complete, [tenantMetricsVariable]: value });
  expect(asked('true').tenantMetrics).toBe(true);
  expect(asked('false').tenantMetrics).toBe(false);
});

test('a function that does not post needs no callback endpoint', () => {
  const { [callbackEndpointVariable]: _, ...variables } = complete;
  expect(functionEnvironment(variables)).not.toHaveProperty('callbackEndpoint');
});

test('a missing queue is named', () => {
  const { [timerQueueVariable]: _, ...variables } = complete;
  expect(() => functionEnvironment(variables)).toThrow(EnvironmentError);
  expect(() => functionEnvironment(variables)).toThrow('TIMER_QUEUE_URL is not set');
});

test('a call to a missing fan-out queue or queue of looks names its variable', () => {
  const { [fanoutQueueVariable]: _, [lookQueueVariable]: __, ...variables } = complete;
  expect(functionEnvironment(variables).fanoutQueueUrl).toBe('FANOUT_QUEUE_URL is not set');
  expect(functionEnvironment(variables).lookQueueUrl).toBe('LOOK_QUEUE_URL is not set');
});

test.each(tableNames)('a call to a missing table names its variable: %s', (kind) => {
  const { [tableVariables[kind]]: _, ...variables } = complete;
  expect(functionEnvironment(variables).tables[kind]).toBe(`${tableVariables[kind]} is not set`);
});

test('two tables never share a variable', () => {
  expect(new Set(Object.values(tableVariables)).size).toBe(tableNames.length);
});
