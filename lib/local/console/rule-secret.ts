import * as v from 'valibot';
import { isTenantName } from '../../auth/index.ts';
import { closedObject } from '../../core/validation.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import { jsonBody } from '../../http/read.ts';
import {
  ensureSecretFile,
  nextSecretPath,
  promoteSecretFile,
  ruleSecretPath,
} from '../operator/rule-secret-file.ts';
import { type AdminApi, callAdmin } from './admin-proxy.ts';

/** Both are parts of a path. Names of rules have the form of names of tenants. */
const name = v.pipe(v.string('a name'), v.check(isTenantName, 'a name'));

const newSecretSchema = closedObject({
  tenant: name,
  rule: name,
  /** Whether the rule has a secret, which then signs too until it is ended. */
  rotate: v.exactOptional(v.literal(true, 'true')),
});

/**
 * Creates the signing secret of a webhook as `wisp rule add` and `wisp rule secret` do: in a file
 * of this machine first, then in the service. The page learns only the path of the file.
 */
export async function createRuleSecret(
  request: HttpRequest,
  api: AdminApi,
  keyDirectory: string,
): Promise<HttpResponse> {
  const { tenant, rule, rotate } = jsonBody(request, newSecretSchema);
  const path = ruleSecretPath(keyDirectory, tenant, rule);
  const secret = await ensureSecretFile(rotate ? nextSecretPath(path) : path);
  const resource = `/tenants/${tenant}/rules/${rule}/secret`;
  const answer = await callAdmin(api, 'PUT', resource, JSON.stringify({ secret }));
  if (answer.status !== 200) return answer;
  if (rotate) await promoteSecretFile(path);
  return { status: 201, body: { path } };
}
