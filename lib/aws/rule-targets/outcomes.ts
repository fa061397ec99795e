import type { RuleTargetReasonName } from '../../core/reasons/rule-targets.ts';
import type { DeliveryOutcome } from '../../rules/target.ts';

/** The role could not be assumed. Holds nothing of the answer. */
export class AssumeRoleError extends Error {
  override readonly name = 'AssumeRoleError';
}

/** What an error code of AWS means for a record: the first that fits. */
const meanings: readonly (readonly [RegExp, DeliveryOutcome['kind'], RuleTargetReasonName])[] = [
  // Also a key of KMS that is disabled or may not be used: an operator can correct both.
  [
    /^(AccessDenied|AuthorizationError|NotAuthorized|Unauthorized|KMS|Kms|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|InvalidSignature|SignatureDoesNotMatch|MissingAuthenticationToken)/,
    'retry',
    'rule-target-access',
  ],
  [/(ResourceNotFound|QueueDoesNotExist|NonExistentQueue|^NotFound)/, 'retry', 'rule-target-missing'],
  [
    /(Throttl|TooManyRequests|ThroughputExceeded|RequestLimitExceeded|^LimitExceeded|OverLimit|SlowDown|ServiceUnavailable)/,
    'retry',
    'rule-target-busy',
  ],
  [/(TooLarge|TooLong|SizeLimitExceeded)/, 'refused', 'rule-body-too-large'],
  [/^InvalidRequestContent/, 'refused', 'rule-body-not-json'],
  [
    /^(Validation|InvalidParameter|InvalidMessageContents|InvalidAttributeValue|InvalidArgument|Malformed|Serialization|UnsupportedMediaType)/,
    'refused',
    'rule-target-refused',
  ],
];

/** The outcome for an error code of AWS. What may not speak of the record is tried again. */
export function outcomeOfAwsCode(awsCode: string): DeliveryOutcome {
  const [, kind, code] = meanings.find(([pattern]) => pattern.test(awsCode)) ?? [];
  return { kind: kind ?? 'retry', code: code ?? 'rule-target-unavailable' };
}

/** The outcome for what a client of AWS has thrown. */
export function outcomeOfAwsError(error: unknown): DeliveryOutcome {
  if (error instanceof AssumeRoleError) return { kind: 'retry', code: 'rule-target-role' };
  if (!(error instanceof Error)) return { kind: 'retry', code: 'rule-target-unavailable' };
  if (error.name === 'TimeoutError') return { kind: 'retry', code: 'rule-target-timeout' };
  const wire = 'Code' in error && typeof error.Code === 'string' ? error.Code : error.name;
  return outcomeOfAwsCode(wire);
}
