import type { Reason } from './reason.ts';

/** What a rule's target did with a record, or why Wisp did not send it. */
export const ruleTargetReasons = {
  'rule-target-url': {
    message: 'the URL is not one that rules may call (https, no user name or password)',
    remedy: 'Give the rule an https URL without credentials; those are secrets of the rule.',
  },
  'rule-target-address': {
    message: 'the host of the URL has an address outside the public Internet',
    remedy: 'Use a public host. Rules never reach private, loopback or link-local addresses.',
  },
  'rule-target-host': {
    message: 'the host of the URL cannot be resolved',
    remedy: 'Check the spelling of the host and its DNS records; the record is tried again.',
  },
  'rule-target-timeout': {
    message: 'the target did not answer in time',
    remedy: 'Answer first and work later: a receiver has 10 seconds. The record is tried again.',
  },
  'rule-target-connection': {
    message: 'the connection to the target failed',
    remedy: 'Check that the target is reachable and its TLS certificate valid; the record is tried again.',
  },
  'rule-target-redirect': {
    message: 'the answer is a redirect, which is never followed',
    remedy: 'Give the rule the final URL; the record is tried again.',
  },
  'rule-target-status': {
    message: 'the receiver answered with a status that is not 2xx',
    remedy: "Look into the receiver's log by webhook-id; the record is tried again.",
  },
  'rule-target-gone': {
    message: 'the receiver answered 410 Gone',
    remedy: 'The rule is paused and its records wait. Correct the URL, then resume the rule.',
  },
  'rule-target-busy': {
    message: 'the target takes no more at present',
    remedy: 'Raise the limits of the target or send less; the record is tried again.',
  },
  'rule-target-unavailable': {
    message: 'the target failed',
    remedy: 'Check the health of the target; the record is tried again.',
  },
  'rule-target-access': {
    message: 'the target does not permit the rule function to send',
    remedy:
      "List the ARN in `-c ruleTargets=…` and deploy; in another account check the target's policy or the role (docs/rules.md).",
  },
  'rule-target-role': {
    message: 'the role of the rule cannot be assumed',
    remedy:
      'Its trust policy must name the rule function and the tenant as external id; list the role in `-c ruleTargets=…`.',
  },
  'rule-target-missing': {
    message: 'the target does not exist',
    remedy: 'Create it, or correct the rule; the record is tried again.',
  },
  'rule-target-refused': {
    message: 'the target refuses this record',
    remedy: 'Look at the record among the failures of the rule, correct it or the rule, and redrive.',
  },
  'rule-body-too-large': {
    message: 'what the rule would send is larger than the target takes',
    remedy: 'Send less by a template, or use another target (docs/rules.md, "Targets").',
  },
  'rule-body-empty': {
    message: 'what the rule would send is empty, and the target takes no empty bodies',
    remedy: 'Send the envelope, or select only messages with a payload.',
  },
  'rule-body-not-json': {
    message: 'the target takes JSON only, and what the rule would send is not',
    remedy: 'Send the envelope, or a template that gives JSON.',
  },
  'rule-body-not-object': {
    message: 'the target takes a JSON object only, and what the rule would send is none',
    remedy: 'Send the envelope, or a template that gives an object.',
  },
  'rule-key-missing': {
    message: 'the item lacks a key attribute of the table, or has one of the wrong type',
    remedy: 'Give the object all key attributes of the table by a template.',
  },
  'rule-broker-not-msk': {
    http: 400,
    message: 'a token of IAM goes to brokers of Amazon MSK only',
    remedy:
      'Name brokers as MSK does (`….kafka.REGION.amazonaws.com`), or sign in with a user name and password.',
  },
  'rule-secret-missing': {
    message: 'the secret of the rule is missing or cannot be read',
    remedy: 'Set the secret of the rule again; the record is tried again.',
  },
} as const satisfies Readonly<Record<string, Reason>>;

export type RuleTargetReasonName = keyof typeof ruleTargetReasons;
