import type { Permissions } from '../auth/index.ts';
import { publishRequests } from '../broker/publish-requests.ts';
import { resultJson } from '../http/publish.ts';
import { messagesFromBatch } from '../http/publish-request.ts';
import { type AdminOperation, activeTenant } from './request.ts';

/** The operator may publish to every topic that does not begin with `$`. */
export const operatorPermissions: Permissions = [{ effect: 'allow', action: 'publish', filter: '#' }];

/** Publishes a batch in a tenant, within the tenant's quotas. */
export const publishAsOperator: AdminOperation = async (call) => {
  const { context } = call;
  const requests = messagesFromBatch(call.request);
  const { tenant, live } = await activeTenant(call);
  const results = await publishRequests(
    context,
    tenant,
    live,
    { permissions: operatorPermissions },
    requests,
  );
  return { status: 200, body: { results: results.map(resultJson) } };
};
