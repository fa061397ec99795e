import type { Reason } from './reason.ts';
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
  ...ruleTargetReasons,
} as const satisfies Readonly<Record<string, Reason>>;
