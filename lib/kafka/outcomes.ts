import type { RuleTargetReasonName } from '../core/reasons/rule-targets.ts';
import type { DeliveryOutcome } from '../rules/target.ts';

/** Error codes of Kafka's protocol that speak of more than a passing state. */
const protocolMeanings: Readonly<Record<string, readonly [DeliveryOutcome['kind'], RuleTargetReasonName]>> = {
  UNKNOWN_TOPIC_OR_PARTITION: ['retry', 'rule-target-missing'],
  INVALID_TOPIC_EXCEPTION: ['retry', 'rule-target-missing'],
  TOPIC_AUTHORIZATION_FAILED: ['retry', 'rule-target-access'],
  CLUSTER_AUTHORIZATION_FAILED: ['retry', 'rule-target-access'],
  SASL_AUTHENTICATION_FAILED: ['retry', 'rule-target-access'],
  UNSUPPORTED_SASL_MECHANISM: ['retry', 'rule-target-access'],
  MESSAGE_TOO_LARGE: ['refused', 'rule-body-too-large'],
  RECORD_LIST_TOO_LARGE: ['refused', 'rule-body-too-large'],
  INVALID_RECORD: ['refused', 'rule-target-refused'],
  THROTTLING_QUOTA_EXCEEDED: ['retry', 'rule-target-busy'],
};

const clientMeanings: Readonly<Record<string, RuleTargetReasonName>> = {
  PLT_KFK_AUTHENTICATION: 'rule-target-access',
  PLT_KFK_TIMEOUT: 'rule-target-timeout',
  // The client has looked for the topic and found none.
  PLT_KFK_USER: 'rule-target-missing',
};

/** The outcome for what the client of Kafka has thrown; causes and gathered errors count too. */
export function outcomeOfKafkaError(error: unknown): DeliveryOutcome {
  const errors = [...gathered(error, 0)];
  for (const { apiId } of errors) {
    const [kind, code] = protocolMeanings[apiId ?? ''] ?? [];
    if (kind !== undefined && code !== undefined) return { kind, code };
  }
  for (const { code } of errors) {
    const meaning = clientMeanings[code ?? ''];
    if (meaning !== undefined) return { kind: 'retry', code: meaning };
  }
  const isNetwork = errors.some(({ code }) => code === 'PLT_KFK_NETWORK' || /^E[A-Z]+$/.test(code ?? ''));
  return { kind: 'retry', code: isNetwork ? 'rule-target-connection' : 'rule-target-unavailable' };
}

interface Facts {
  readonly apiId?: string;
  readonly code?: string;
}

/** Levels of nested errors that are looked at. */
const nestedLevels = 6;

function* gathered(error: unknown, depth: number): Generator<Facts> {
  if (!(error instanceof Error) || depth > nestedLevels) return;
  yield {
    ...('apiId' in error && typeof error.apiId === 'string' ? { apiId: error.apiId } : {}),
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
  };
  yield* gathered(error.cause, depth + 1);
  if (error instanceof AggregateError) for (const inner of error.errors) yield* gathered(inner, depth + 1);
}
