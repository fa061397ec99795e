import type { RuleParts } from '../http/rule-resource.ts';
import { allowPrivateIssuersVariable } from './environment.ts';
import { createRuleSecrets } from './rule-secrets.ts';

let parts: RuleParts | undefined;

/** What the resources of rules need in a function, created at the first request and kept. */
export function functionRuleParts(): RuleParts {
  parts ??= {
    ruleSecrets: createRuleSecrets(Date.now),
    localRuleTargets: process.env[allowPrivateIssuersVariable] === 'true',
  };
  return parts;
}
