import * as v from 'valibot';
import type { RuleSecret } from '../core/rule-secrets.ts';
import type { Rule } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { boundedText, closedObject } from '../core/validation.ts';
import { webhookKeyOf } from '../rules/targets/signature.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import { Problem } from './problem.ts';
import { jsonBody } from './read.ts';
import type { RuleContext } from './rule-resource.ts';

const maxSecretCharacters = 1_024;

/** The secret that a request sets. */
export const ruleSecretSchema = closedObject({
  secret: v.pipe(
    boundedText(maxSecretCharacters),
    v.description(
      'Of a webhook: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks 1.0.0). For Kafka: the password.',
    ),
  ),
});

/**
 * Sets the secret of a rule. The one before it signs too, until it is ended or replaced in its
 * turn, so that receivers can change over. Idempotent: the current secret again changes nothing.
 *
 * Two calls at the same time: the later one wins, and the earlier secret may be its previous one or
 * lost. Where the rule is deleted meanwhile, the secret is deleted behind it, so that the next rule
 * of the name does not sign with it: not even if that one has set its own by then. A crash before
 * that leaves the secret of no rule (rule-resource.ts).
 *
 * @throws Problem `rule-unknown` if the rule is gone when its secret has been written.
 */
export async function setSecret(
  { ruleSecrets, rules, clock }: RuleContext,
  tenant: TenantId,
  rule: Rule,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { secret } = jsonBody(request, ruleSecretSchema);
  checkSecret(rule, secret);
  const stored = await ruleSecrets.load(tenant, rule.name);
  const [current] = stored;
  if (current?.value === secret) return { status: 200, body: secretState(stored) };
  const next = [{ value: secret, sinceMs: clock.nowMs() }, ...(current === undefined ? [] : [current])];
  await ruleSecrets.write(tenant, rule.name, next);
  const now = await rules.read(tenant, rule.name, true);
  if (now?.rule.createdAtMs !== rule.createdAtMs || now.rule.owner !== rule.owner) {
    await ruleSecrets.delete(tenant, rule.name);
    throw new Problem('rule-unknown');
  }
  return { status: 200, body: secretState(next) };
}

/**
 * Ends the previous secret: from then on only the current one signs.
 * @throws Problem `rule-secret-unknown` when there is none.
 */
export async function endPreviousSecret(
  { ruleSecrets }: RuleContext,
  tenant: TenantId,
  { name }: Rule,
): Promise<HttpResponse> {
  const [current, previous] = await ruleSecrets.load(tenant, name);
  if (current === undefined || previous === undefined) throw new Problem('rule-secret-unknown');
  await ruleSecrets.write(tenant, name, [current]);
  return { status: 200, body: secretState([current]) };
}

/** What may be told of a rule's secrets: since when there is one. */
export function secretState([current, previous]: readonly RuleSecret[]): object {
  return {
    ...(current === undefined ? {} : { since: new Date(current.sinceMs).toISOString() }),
    hasPrevious: previous !== undefined,
  };
}

/** Whether the target of a rule needs a secret. */
export function needsSecret({ target }: Rule): boolean {
  return target.kind === 'webhook' || (target.kind === 'kafka' && target.auth.method.startsWith('scram-'));
}

function checkSecret(rule: Rule, secret: string): void {
  if (!needsSecret(rule)) throw new Problem('rule-secret-unused');
  if (rule.target.kind === 'webhook' && webhookKeyOf(secret) === undefined)
    throw new Problem('body', { detail: 'secret: expected whsec_ and 24 to 64 bytes in base64' });
}
