import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach } from 'vitest';
import { createDynamoClient } from '../../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { type Engine, type EngineOptions, openEngine } from '../../../lib/local/dynamodb/index.ts';
import { tableSchemas } from '../../../lib/store/schema.ts';

/** Names of the tables. */
export const names = {
  messages: 'test-messages',
  usage: 'test-usage',
  connections: 'test-connections',
  sessions: 'test-sessions',
  subscriptions: 'test-subscriptions',
  retained: 'test-retained',
  tenants: 'test-tenants',
};

/** Run after each test, last one first. */
export const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An engine with all tables, and a client of it. Closed after the test. */
export async function openTables(
  options: EngineOptions = {},
): Promise<{ engine: Engine; client: DynamoDBClient }> {
  const engine = await openEngine(options);
  cleanups.push(() => engine.close());
  await engine.createTables(tableSchemas, names);
  return { engine, client: clientOf(engine) };
}

export function clientOf(engine: Engine): DynamoDBClient {
  return createDynamoClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: engine.requestHandler,
  });
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-dynamodb-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
