import type { World } from '../world.ts';
import { connectionsContract } from './connections.ts';
import { messagesContract } from './messages.ts';
import { queueContract } from './queue.ts';
import { queueRowsContract } from './queue-rows.ts';
import { retainedContract } from './retained.ts';
import { revocationsContract } from './revocations.ts';
import { sessionsContract } from './sessions.ts';
import { subscriptionsContract } from './subscriptions.ts';
import { tenantsContract } from './tenants.ts';
import { versionsContract } from './versions.ts';

/** What every DynamoDB-compatible service must give the tables. */
export function storeContracts(name: string, open: () => Promise<World>): void {
  connectionsContract(name, open);
  sessionsContract(name, open);
  queueContract(name, open);
  queueRowsContract(name, open);
  subscriptionsContract(name, open);
  messagesContract(name, open);
  retainedContract(name, open);
  tenantsContract(name, open);
  revocationsContract(name, open);
  versionsContract(name, open);
}
