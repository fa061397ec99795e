import type { Permissions } from '../auth/index.ts';
import { publishRequests } from '../broker/publish-requests.ts';
import { Problem } from '../http/problem.ts';
import { resultJson } from '../http/publish.ts';
import { messagesFromBatch } from '../http/publish-request.ts';
import { type AdminOperation, tenantOf } from './request.ts';

/** The operator may publish to every topic that does not begin with `$`. */
const everything: Permissions = [{ effect: 'allow', action: 'publish', filter: '#' }];

/** Publishes a batch in a tenant, within the tenant's quotas. */
export const publishAsOperator: AdminOperation = async (call) => {
  const { context } = call;
  const tenant = tenantOf(call);
  const requests = messagesFromBatch(call.request);
  const live = await context.tenants.readLive(tenant, true);
  if (live === undefined) throw new Problem('tenant-unknown');
  if (live.status !== 'active') throw new Problem('tenant-inactive');
  const results = await publishRequests(context, tenant, live, { permissions: everything }, requests);
  return { status: 200, body: { results: results.map(resultJson) } };
};
