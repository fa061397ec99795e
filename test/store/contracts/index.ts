import type { World } from '../world.ts';
import { connectionsContract } from './connections.ts';
import { edgesContract } from './edges.ts';
import { messagesContract } from './messages.ts';
import { queueContract } from './queue.ts';
import { queueRowsContract } from './queue-rows.ts';
import { receivedMarksContract } from './received-marks.ts';
import { retainedContract } from './retained.ts';
import { revocationsContract } from './revocations.ts';
import { ruleRecordsContract } from './rule-records.ts';
import { rulesContract } from './rules.ts';
import { sessionSubscriptionsContract } from './session-subscriptions.ts';
import { sessionsContract } from './sessions.ts';
import { subscriptionsContract } from './subscriptions.ts';
import { tenantsContract } from './tenants.ts';
import { usageContract } from './usage.ts';
import { versionsContract } from './versions.ts';
import { willsContract } from './wills.ts';

/** The behaviour that the stores need from every DynamoDB-compatible service. */
export function storeContracts(name: string, open: () => Promise<World>): void {
  connectionsContract(name, open);
  edgesContract(name, open);
  sessionsContract(name, open);
  sessionSubscriptionsContract(name, open);
  willsContract(name, open);
  receivedMarksContract(name, open);
  queueContract(name, open);
  queueRowsContract(name, open);
  subscriptionsContract(name, open);
  rulesContract(name, open);
  ruleRecordsContract(name, open);
  messagesContract(name, open);
  retainedContract(name, open);
  tenantsContract(name, open);
  revocationsContract(name, open);
  usageContract(name, open);
  versionsContract(name, open);
}
