import { ban, listBans, unban } from './bans.ts';
import { sendToOneClient } from './client-message.ts';
import { kickClient, listClients, releaseClientId, showClient } from './clients.ts';
import { explainTopic } from './explain/index.ts';
import { addIssuer, listIssuers, removeIssuer } from './issuers.ts';
import { showMetrics } from './metrics.ts';
import { createObserver, endObserver, listObservers } from './observers.ts';
import { publishAsOperator } from './publish.ts';
import type { AdminOperation } from './request.ts';
import { deleteRetained, listRetained, showRetained } from './retained.ts';
import { revokeTokens } from './revoke.ts';
import { listRuleFailures, redriveRule } from './rule-failures.ts';
import { endPreviousRuleSecret, setRuleSecret } from './rule-secret.ts';
import { testRule, testUnstoredRule } from './rule-test.ts';
import {
  listRules,
  pauseStoredRule,
  removeRule,
  resumeStoredRule,
  showRule,
  storeRuleAsOperator,
} from './rules.ts';
import { countShapes, listShapes, removeUnusedShapes } from './shapes.ts';
import { listSubscribers } from './subscribers.ts';
import {
  createTenant,
  deleteTenant,
  listTenants,
  resumeTenant,
  setQuotas,
  showTenant,
  suspendTenant,
} from './tenants.ts';
import { checkToken } from './token-check.ts';
import { endTrace, traceClient } from './trace.ts';
import { showUsage } from './usage.ts';

export interface AdminRoute {
  /**
   * `{name}` stands for one level. Names that may hold any character (client ids, topics) are in
   * the query, because HTTP APIs decode the path.
   */
  readonly path: string;
  readonly methods: Readonly<Record<string, AdminOperation>>;
}

export const adminPrefix = '/admin';

/** Every resource; a test compares them with docs/openapi.json. */
export const routes: readonly AdminRoute[] = [
  { path: '/metrics', methods: { GET: showMetrics } },
  { path: '/tenants', methods: { GET: listTenants } },
  { path: '/tenants/{tenant}', methods: { GET: showTenant, PUT: createTenant, DELETE: deleteTenant } },
  { path: '/tenants/{tenant}/suspend', methods: { POST: suspendTenant } },
  { path: '/tenants/{tenant}/resume', methods: { POST: resumeTenant } },
  { path: '/tenants/{tenant}/revoke', methods: { POST: revokeTokens } },
  { path: '/tenants/{tenant}/token/check', methods: { POST: checkToken } },
  { path: '/tenants/{tenant}/quotas', methods: { PUT: setQuotas } },
  { path: '/tenants/{tenant}/issuers', methods: { GET: listIssuers, POST: addIssuer } },
  { path: '/tenants/{tenant}/issuers/{issuer}', methods: { DELETE: removeIssuer } },
  { path: '/tenants/{tenant}/clients', methods: { GET: listClients } },
  { path: '/tenants/{tenant}/clients/message', methods: { POST: sendToOneClient } },
  { path: '/tenants/{tenant}/client', methods: { GET: showClient } },
  { path: '/tenants/{tenant}/client/disconnect', methods: { POST: kickClient } },
  { path: '/tenants/{tenant}/client/trace', methods: { PUT: traceClient, DELETE: endTrace } },
  { path: '/tenants/{tenant}/client/release', methods: { POST: releaseClientId } },
  { path: '/tenants/{tenant}/client/ban', methods: { PUT: ban, DELETE: unban } },
  { path: '/tenants/{tenant}/bans', methods: { GET: listBans } },
  { path: '/tenants/{tenant}/observers', methods: { GET: listObservers, POST: createObserver } },
  { path: '/tenants/{tenant}/observers/{observer}', methods: { DELETE: endObserver } },
  { path: '/tenants/{tenant}/subscribers', methods: { GET: listSubscribers } },
  { path: '/tenants/{tenant}/explain', methods: { GET: explainTopic } },
  { path: '/tenants/{tenant}/shapes', methods: { GET: listShapes } },
  { path: '/tenants/{tenant}/shapes/count', methods: { GET: countShapes } },
  { path: '/tenants/{tenant}/shapes/remove', methods: { POST: removeUnusedShapes } },
  { path: '/tenants/{tenant}/retained', methods: { GET: listRetained } },
  { path: '/tenants/{tenant}/retained/message', methods: { GET: showRetained, DELETE: deleteRetained } },
  { path: '/tenants/{tenant}/rules', methods: { GET: listRules } },
  { path: '/tenants/{tenant}/rules/test', methods: { POST: testUnstoredRule } },
  {
    path: '/tenants/{tenant}/rules/{rule}',
    methods: { GET: showRule, PUT: storeRuleAsOperator, DELETE: removeRule },
  },
  { path: '/tenants/{tenant}/rules/{rule}/pause', methods: { POST: pauseStoredRule } },
  { path: '/tenants/{tenant}/rules/{rule}/resume', methods: { POST: resumeStoredRule } },
  { path: '/tenants/{tenant}/rules/{rule}/test', methods: { POST: testRule } },
  { path: '/tenants/{tenant}/rules/{rule}/failures', methods: { GET: listRuleFailures } },
  { path: '/tenants/{tenant}/rules/{rule}/redrive', methods: { POST: redriveRule } },
  { path: '/tenants/{tenant}/rules/{rule}/secret', methods: { PUT: setRuleSecret } },
  { path: '/tenants/{tenant}/rules/{rule}/secret/previous', methods: { DELETE: endPreviousRuleSecret } },
  { path: '/tenants/{tenant}/publish', methods: { POST: publishAsOperator } },
  { path: '/tenants/{tenant}/usage', methods: { GET: showUsage } },
];
