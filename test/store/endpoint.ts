import { randomUUID } from 'node:crypto';
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { type EngineRequestHandler, openEngine } from '../../lib/local/dynamodb/index.ts';
import { type Interception, intercept } from '../../lib/local/dynamodb/intercept.ts';
import { type TableNames, tableNames, tableSchemas } from '../../lib/store/schema.ts';
import { createEmbeddedClient } from '../support/embedded-client.ts';
import type { Tables } from './world.ts';

/**
 * URL of a DynamoDB-compatible service: DynamoDB Local, LocalStack, or AWS with credentials in the
 * environment.
 */
export const endpointVariable = 'WISP_DYNAMODB_ENDPOINT';

const region = 'us-east-1';

function namesWith(suffix: string): TableNames {
  return Object.fromEntries(
    tableNames.map((kind) => [kind, `wisp-contract-${kind}-${suffix}`]),
  ) as TableNames;
}

function clientOver(handler: EngineRequestHandler, hooks: Interception | undefined, endpoint?: string) {
  return createDynamoClient({
    region,
    credentials: localCredentials,
    requestHandler: hooks === undefined ? handler : intercept(handler, hooks),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}

/** Tables in the embedded engine. */
export async function embeddedTables(): Promise<Tables> {
  const engine = await openEngine();
  const names = namesWith('embedded');
  await engine.createTables(tableSchemas, names);
  return {
    names,
    client: (hooks) =>
      createEmbeddedClient(
        hooks === undefined ? engine.requestHandler : intercept(engine.requestHandler, hooks),
      ),
    close: () => engine.close(),
  };
}

/** New tables, created at the endpoint with CreateTable and deleted at the end. */
export async function endpointTables(endpoint: string): Promise<Tables> {
  const client = createDynamoClient({ region, endpoint, credentials: localCredentials });
  const handler = overHttp(client);
  const names = namesWith(randomUUID().slice(0, 8));
  await Promise.all(tableNames.map((kind) => createTable(client, names, kind)));
  return {
    names,
    client: (hooks) => clientOver(handler, hooks, endpoint),
    async close() {
      await Promise.all(
        Object.values(names).map((TableName) => client.send(new DeleteTableCommand({ TableName }))),
      );
      client.destroy();
    },
  };
}

async function createTable(client: DynamoDBClient, names: TableNames, kind: keyof TableNames): Promise<void> {
  const { indexes = {}, ...schema } = tableSchemas[kind];
  const keys = keySchema(schema);
  const secondary = Object.entries(indexes).map(([IndexName, index]) => ({
    IndexName,
    KeySchema: keySchema(index),
    Projection: { ProjectionType: 'KEYS_ONLY' as const },
  }));
  const attributes = new Set(
    [keys, ...secondary.map((index) => index.KeySchema)].flat().map((key) => key.AttributeName),
  );
  await client.send(
    new CreateTableCommand({
      TableName: names[kind],
      KeySchema: keys,
      AttributeDefinitions: [...attributes].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST',
      ...(secondary.length === 0 ? {} : { GlobalSecondaryIndexes: secondary }),
    }),
  );
  await waitUntilTableExists(
    { client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 },
    { TableName: names[kind] },
  );
}

/** The client's HTTP handler in the form that `intercept` expects; it meters nothing. */
function overHttp(client: DynamoDBClient): EngineRequestHandler {
  const http = client.config.requestHandler;
  const handle = async (request: unknown) => {
    const { response } = await http.handle(request as Parameters<typeof http.handle>[0]);
    return { response: { ...response, capacity: () => new Map() } };
  };
  return {
    handle: handle as unknown as EngineRequestHandler['handle'],
    destroy: () => http.destroy?.(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function keySchema({ partitionKey, sortKey }: { readonly partitionKey: string; readonly sortKey?: string }) {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' as const },
    ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' as const }]),
  ];
}
