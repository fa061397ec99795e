import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DeliveryOutcome, RuleTargetPort } from '../../rules/target.ts';
import { oneByOne } from '../../rules/targets/one-by-one.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { objectOf } from './body.ts';
import { batchEntries, createAwsTarget, nameInArn, type TargetClientOptions } from './clients.ts';
import { outcomeOfAwsError } from './outcomes.ts';

/** Levels of lists and maps (Amazon DynamoDB Developer Guide, "Quotas"). */
const maxLevels = 32;

/**
 * Puts records into a table: each member of the JSON object that the rule sends becomes an
 * attribute. An item with the same key is replaced, so a repetition changes nothing.
 */
export function createDynamoDbTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'dynamodb',
    maxBatch: batchEntries,
    arnOf: ({ tableArn }) => tableArn,
    async create(settings) {
      const { DynamoDBClient, PutItemCommand } = await import('@aws-sdk/client-dynamodb');
      const client = new DynamoDBClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (TableName: string, Item: Record<string, AttributeValue>) =>
        client.send(new PutItemCommand({ TableName, Item }));
    },
    deliver: (put, { tableArn }, deliveries) =>
      oneByOne(deliveries, async ({ body }) => {
        const members = objectOf(body);
        if (members === undefined) return { kind: 'refused', code: 'rule-body-not-object' };
        const item = itemOf(members);
        if (item === undefined) return { kind: 'refused', code: 'rule-target-refused' };
        try {
          await put(nameInArn(tableArn), item);
          return { kind: 'delivered' };
        } catch (error) {
          return outcomeOfPut(error);
        }
      }),
  });
}

function outcomeOfPut(error: unknown): DeliveryOutcome {
  const message = error instanceof Error ? error.message : '';
  const outcome = outcomeOfAwsError(error);
  if (outcome.kind !== 'refused') return outcome;
  if (/item size/i.test(message)) return { kind: 'refused', code: 'rule-body-too-large' };
  return /\bkey\b/i.test(message) ? { kind: 'refused', code: 'rule-key-missing' } : outcome;
}

/** @returns undefined for what is nested so deeply that it cannot be written as JSON either. */
function itemOf(members: Readonly<Record<string, unknown>>): Record<string, AttributeValue> | undefined {
  try {
    return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, attributeOf(value, 1)]));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What is nested too deeply becomes JSON text. */
function attributeOf(value: unknown, level: number): AttributeValue {
  if (value === null || value === undefined) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (level >= maxLevels) return { S: JSON.stringify(value) };
  if (Array.isArray(value)) return { L: value.map((entry) => attributeOf(entry, level + 1)) };
  const members = Object.entries(value).map(
    ([name, entry]) => [name, attributeOf(entry, level + 1)] as const,
  );
  return { M: Object.fromEntries(members) };
}
