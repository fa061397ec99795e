import type { Reason } from './reason.ts';

/** Requests about rules: of operators, and of tenants' users. */
export const ruleResourceReasons = {
  'rule-unknown': {
    http: 404,
    message: 'the tenant has no such rule',
    remedy: 'List the rules: "wisp rule list".',
  },
  'rule-secret-unknown': {
    http: 404,
    message: 'the rule has no previous secret',
    remedy: 'Nothing: only the current secret signs.',
  },
  'rule-secret-unused': {
    http: 409,
    message: 'the target of the rule needs no secret',
    remedy: 'Set secrets only of rules with a webhook, or with Kafka and a user.',
  },
  'rules-not-granted': {
    http: 403,
    message: 'the token allows no rules of its bearer: it needs the claim mqtt.rules and a "sub"',
    remedy: 'Use a token whose claim mqtt.rules is true (docs/tokens.md).',
  },
  'rule-target-not-granted': {
    http: 403,
    message: 'a rule of a bearer has a webhook as its target',
    remedy: 'Use a webhook, or ask the operator to add the rule.',
  },
  'rule-filter-not-granted': {
    http: 403,
    message: 'the token does not allow to subscribe to the filter of the rule',
    remedy: 'Use a filter that the token allows to subscribe to, at every QoS.',
  },
  'rule-paused-by-operator': {
    http: 403,
    message: 'the operator has paused the rule: only the operator resumes or removes it',
    remedy: 'Ask the operator to resume the rule.',
  },
  'rule-name-taken': {
    http: 409,
    message: 'another rule of the tenant has this name',
    remedy: 'Choose another name.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
