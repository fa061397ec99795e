import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { type TableKind, tableNames } from '../../lib/store/schema.ts';
import { localTables, type TestService } from './service.ts';

/** All rows of all tables, each with its contents as text. */
export async function scanTables(
  service: Pick<TestService, 'exposeTables'>,
): Promise<{ kind: TableKind; text: string }[]> {
  const client: DynamoDBClient = createDynamoClient({
    endpoint: await service.exposeTables(),
    region: 'local',
    credentials: localCredentials,
  });
  const pages = await Promise.all(
    tableNames.map(async (kind) => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: localTables[kind] }));
      return Items.map((item) => ({ kind, text: JSON.stringify(item) }));
    }),
  );
  client.destroy();
  return pages.flat();
}
