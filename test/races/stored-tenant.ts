import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { TenantId } from '../../lib/core/tenant-id.ts';
import { version } from '../../lib/store/attributes.ts';
import { liveCopies, livePart } from '../../lib/store/tenant-live.ts';
import { type Command, memoryTables } from './memory-dynamo.ts';

/** Stores all copies of a tenant's row. */
export function storeTenant(
  run: (command: Command) => void,
  tenant: TenantId,
  status: 'active' | 'suspended' = 'active',
): void {
  for (let copy = 0; copy < liveCopies; copy += 1)
    run(
      new PutItemCommand({
        TableName: memoryTables.tenants,
        Item: { tenant: { S: tenant }, part: { S: livePart(copy) }, v: version, status: { S: status } },
      }),
    );
}
