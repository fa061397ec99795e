import type { Reason } from './reason.ts';
import { ruleResourceReasons } from './rule-resources.ts';
import { ruleRunReasons } from './rule-runs.ts';
import { ruleTargetReasons } from './rule-targets.ts';

/** Rules: their definitions, and why a record of a rule was not delivered. */
export const ruleReasons = {
  'rule-name': {
    http: 400,
    message: 'a rule name has 1 to 63 characters of a-z, 0-9 and "-", and no "-" at either end',
    remedy: 'Choose a name of this form.',
  },
  'rule-filter': {
    http: 400,
    message: 'the filter of the rule is not valid',
    remedy: 'Use a topic filter as in SUBSCRIBE, without $share; of $ topics only those of the own tenant.',
  },
  'rule-pattern': {
    http: 400,
    message: 'the event pattern of the rule is not valid',
    remedy: 'Correct it at the place that the message names (docs/rules.md, Selection).',
  },
  'rule-template': {
    http: 400,
    message: 'a template of the rule is not valid',
    remedy: 'Correct it at the place that the message names (docs/rules.md, What is sent).',
  },
  'rule-too-large': {
    http: 400,
    message: 'the rule as JSON is larger than a rule may be',
    remedy: 'Shorten its template, its headers or its list of brokers.',
  },
  'rule-topic': {
    message: 'the template gives no topic name that clients may publish to',
    remedy: 'Select only messages whose values give one, or change the topic of the rule.',
  },
  'rule-output-too-large': {
    message: 'the template gives more bytes than may be sent',
    remedy: 'Name smaller parts of the payload in the template, or send the payload itself.',
  },
  ...ruleResourceReasons,
  ...ruleTargetReasons,
  ...ruleRunReasons,
  'rule-delivery-rate': {
    reasonCode: 0x97,
    v3: 'close',
    http: 429,
    message: 'the messages of the tenant fire more rules than they may (ruleDeliveriesPerSecond)',
    remedy: 'Publish slower, narrow the filters or patterns of rules, or raise this quota of the tenant.',
  },
  'rules-off': {
    http: 409,
    message: 'rules are switched off in this deployment',
    remedy: 'Deploy with -c rules=on (docs/upgrading.md says what to know before).',
  },
  'rule-kafka-off': {
    http: 409,
    message: 'rules for Kafka are switched off in this deployment',
    remedy: 'Deploy with -c kafkaRules=on (docs/deploying.md), or give the rule another target.',
  },
  'rules-full': {
    http: 409,
    message: 'the tenant has as many rules as it may (rules)',
    remedy: 'Remove a rule, or raise this quota of the tenant.',
  },
  'rules-of-owner-full': {
    http: 409,
    message: 'the bearer of the token has as many rules as one may have (rulesPerOwner)',
    remedy: 'Remove a rule, or ask the operator to raise this quota of the tenant.',
  },
  'rules-of-filter-full': {
    http: 409,
    message: 'as many rules as allowed have this filter: each publish that it matches reads them all',
    remedy: 'Give rules different filters, or join rules that have the same filter.',
  },
  'rule-shapes-full': {
    http: 409,
    message: 'the filter of the rule has a new shape, and the tenant has as many shapes as it may (shapes)',
    remedy:
      'Use a filter of a known shape ("wisp shapes"), remove unused ones, or raise this quota of the tenant.',
  },
  'rule-changed': {
    http: 409,
    message: 'the rule has been changed since it was read',
    remedy: 'Read the rule again and repeat the change.',
  },
  'rule-leaves': {
    http: 409,
    message: 'records of a deleted rule of this name are still being erased',
    remedy: 'Repeat the request in a minute, or give the rule another name.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
