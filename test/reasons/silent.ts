import { bridgeRefusals } from '../../lib/bridge/index.ts';
import { consoleReasons } from '../../lib/core/reasons/console.ts';
import { issuerReasons } from '../../lib/core/reasons/issuers.ts';
import { ruleRunReasons } from '../../lib/core/reasons/rule-runs.ts';
import { ruleTargetReasons } from '../../lib/core/reasons/rule-targets.ts';
import { toolReasons } from '../../lib/core/reasons/tools.ts';
import type { ReasonName } from '../../lib/core/reasons.ts';

/** Codes of listeners and of the bridge, which are counted where a process reports its clients. */
export const ofListeners: ReadonlySet<ReasonName> = new Set(bridgeRefusals);

/** Codes with which a record of a rule is given up. */
export const ofRecords = [
  ...(Object.keys(ruleTargetReasons) as (keyof typeof ruleTargetReasons)[]),
  ...(Object.keys(ruleRunReasons) as (keyof typeof ruleRunReasons)[]),
  'rule-topic',
  'rule-output-too-large',
] as const satisfies readonly ReasonName[];

/** Codes of which the operator alone hears, at once, in the answer to a request or a command. */
const toOperators = [
  ...(Object.keys(consoleReasons) as (keyof typeof consoleReasons)[]),
  ...(Object.keys(toolReasons) as (keyof typeof toolReasons)[]),
  'tenant-config',
  'page',
  'client-unknown',
  'observer-unknown',
  'observers-too-many',
  'ban-unknown',
  'bans-full',
  'retained-unknown',
  'issuer-unknown',
  'tenant-name',
  'tenant-exists',
  'tenant-deleting',
  'tenant-busy',
] as const satisfies readonly ReasonName[];

/** Codes of failures inside a deployment: errors in the log, with alarms. No client is refused. */
const ofOperations = [
  'environment',
  'event-shape',
  'timer-format',
  'slice-format',
  'queue-send',
  'event-refused',
  'batch-unprocessed',
  'settings',
] as const satisfies readonly ReasonName[];

/** Codes that are never noted, each with the reason. */
export const silent: Readonly<Partial<Record<ReasonName, string>>> = {
  ...because(toOperators, 'the operator who asked is told'),
  ...because(ofOperations, 'a failure inside, which the log has as an error'),
  ...because(
    Object.keys(issuerReasons) as (keyof typeof issuerReasons)[],
    'why keys cannot be loaded: noted as token-keys-unavailable',
  ),
  'filter-null-character': 'no SUBSCRIBE can carry it: null-character; a rule has rule-filter',
  'filter-ill-formed': 'no SUBSCRIBE can carry it: malformed-utf8; a rule has rule-filter',
  'token-not-verified': 'what a client is told in place of the code that is noted',
  'token-issuer': 'a key counts only for tokens of its issuer: noted as token-key-unknown',
  'malformed-packet': 'a guard behind all other checks of packets; no bytes are known that reach it',
  'item-version': 'noted as item-format is, by the same line',
  'server-stopping': "the server's own affair, nobody's refusal: the client connects again",
  'back-door-lost': "the server's own affair, nobody's refusal: the client connects again",
  'client-disconnect': 'the client wants to leave',
  'connection-lost': 'nobody has refused anything; presence and usage tell of it',
  'rules-off': 'told to who adds a rule, by the same line as rules-full',
  'rule-kafka-off': 'told to who adds a rule, by the same line as rules-full',
  'rules-of-filter-full': 'told to who adds a rule, by the same line as rules-full',
  'rule-shapes-full': 'told to who adds a rule, by the same line as rules-full',
  'rule-changed': 'told to who adds a rule, by the same line as rules-full',
  'rule-leaves': 'told to who adds a rule, by the same line as rules-full',
  'rule-secret-unused': 'told to the operator: rules of bearers have webhooks alone',
};

function because<Code extends ReasonName>(
  codes: readonly Code[],
  reason: string,
): Readonly<Record<Code, string>> {
  return Object.fromEntries(codes.map((code) => [code, reason])) as Record<Code, string>;
}
