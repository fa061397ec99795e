import type { Reason } from './reason.ts';

/** Why a worker has not delivered a record of a rule, where it is not the target that says so. */
export const ruleRunReasons = {
  'rule-attempt-failed': {
    message: 'the attempt to deliver a record of a rule failed inside Wisp',
    remedy: 'Nothing: the record is tried again. Look into the log of the function if it goes on.',
  },
  'rule-target-unserved': {
    message: 'the deployment has no worker for this kind of target',
    remedy: 'Deploy with what the kind needs (docs/rules.md, "Targets"); the record is tried again.',
  },
  'rule-target-slow': {
    message: 'the target answers slowly: the records of the rule wait in rows, which one worker delivers',
    remedy: 'Answer requests of a webhook at once and work later; or send to a queue.',
  },
  'rule-cycle': {
    message: 'rules have published the message again as often as they may',
    remedy: 'Look for rules that publish to topics of each other, and narrow one of their filters.',
  },
  'rule-republish-refused': {
    message: "the message that the rule publishes exceeds the tenant's quotas",
    remedy: 'Raise the quota of retained messages, or let the rule publish without retain.',
  },
  'rule-record-format': {
    message: 'a message of the rule queue is not a record of this release',
    remedy: 'Nothing while a deployment is in progress; else see docs/upgrading.md.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
