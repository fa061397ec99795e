import { endPreviousSecret, setSecret } from '../http/rule-secret.ts';
import type { AdminOperation } from './request.ts';
import { namedRule } from './rules.ts';

/** Sets the signing secret of a webhook, or the password for Kafka. No answer repeats it. */
export const setRuleSecret: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  return setSecret(call.context, tenant, stored.rule, call.request);
};

export const endPreviousRuleSecret: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  return endPreviousSecret(call.context, tenant, stored.rule);
};
