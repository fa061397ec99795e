import { createHash } from 'node:crypto';
import { AwsError, isJsonObject } from '../aws-json.ts';
import { type MessageAttribute, type NewMessage, sqsMessageBytes } from './message.ts';
import type { Queue } from './queue.ts';

/** 1 MiB with attributes, for a message and for a whole batch ("Amazon SQS message quotas"). */
export const maxMessageBytes = 1_048_576;
export const maxDelaySeconds = 900;
export const maxVisibilitySeconds = 43_200;

/** The characters of XML 1.0: no NUL, no lone surrogates. */
const allowedText = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
const fifoIdentifier = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;

function invalidParameter(parameter: string, value: unknown, reason: string): AwsError {
  return new AwsError(
    'InvalidParameterValue',
    `Value ${String(value)} for parameter ${parameter} is invalid. Reason: ${reason}.`,
  );
}

/** An integer within bounds, or `otherwise` if the parameter is absent. */
export function integerParameter<T extends number | undefined>(
  input: Readonly<Record<string, unknown>>,
  parameter: string,
  minimum: number,
  maximum: number,
  otherwise: T,
): number | T {
  const value = input[parameter];
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    throw invalidParameter(parameter, value, `Must be between ${minimum} and ${maximum}, if provided`);
  }
  return value;
}

/** Reads the parameters of SendMessage or of one entry of SendMessageBatch. @throws AwsError */
export function newMessageOf(input: Readonly<Record<string, unknown>>, queue: Queue): NewMessage {
  const body = input.MessageBody;
  if (typeof body !== 'string' || body === '') throw missingParameter('MessageBody');
  if (!allowedText.test(body)) {
    throw new AwsError('InvalidMessageContents', 'The message contains characters outside the allowed set.');
  }
  const messageAttributes = attributesOf(input.MessageAttributes);
  const message = { body, ...(messageAttributes ? { messageAttributes } : {}) };
  if (sqsMessageBytes(message) > maxMessageBytes) {
    throw invalidParameter('MessageBody', '…', `Message must be shorter than ${maxMessageBytes} bytes`);
  }
  const groupId = identifierOf(input, 'MessageGroupId');
  if (!queue.isFifo) {
    if (input.MessageDeduplicationId !== undefined) {
      throw notForThisQueue('MessageDeduplicationId', input.MessageDeduplicationId);
    }
    const delaySeconds = integerParameter(input, 'DelaySeconds', 0, maxDelaySeconds, undefined);
    return {
      ...message,
      ...(groupId === undefined ? {} : { groupId }),
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
    };
  }
  if (typeof input.DelaySeconds === 'number' && input.DelaySeconds > 0) {
    throw notForThisQueue('DelaySeconds', input.DelaySeconds);
  }
  if (groupId === undefined) throw missingParameter('MessageGroupId');
  const deduplicationId =
    identifierOf(input, 'MessageDeduplicationId') ??
    (queue.definition.contentBasedDeduplication
      ? createHash('sha256').update(body).digest('hex')
      : undefined);
  if (deduplicationId === undefined) {
    throw new AwsError(
      'InvalidParameterValue',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  }
  return { ...message, groupId, deduplicationId };
}

export function missingParameter(parameter: string): AwsError {
  return new AwsError('MissingParameter', `The request must contain the parameter ${parameter}.`);
}

function notForThisQueue(parameter: string, value: unknown): AwsError {
  return invalidParameter(
    parameter,
    value,
    'The request include parameter that is not valid for this queue type',
  );
}

function identifierOf(input: Readonly<Record<string, unknown>>, parameter: string): string | undefined {
  const value = input[parameter];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !fifoIdentifier.test(value)) {
    throw invalidParameter(
      parameter,
      value,
      `${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length`,
    );
  }
  return value;
}

function attributesOf(value: unknown): Record<string, MessageAttribute> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw invalidParameter('MessageAttributes', '…', 'Must be a map');
  const names = Object.keys(value);
  if (names.length > 10)
    throw invalidParameter('MessageAttributes', '…', 'Number of message attributes exceeds 10');
  if (names.length === 0) return undefined;
  for (const name of names) {
    const attribute = value[name];
    const sound =
      isJsonObject(attribute) &&
      typeof attribute.DataType === 'string' &&
      /^(String|Number|Binary)(\.|$)/.test(attribute.DataType) &&
      typeof (attribute.DataType.startsWith('Binary') ? attribute.BinaryValue : attribute.StringValue) ===
        'string';
    if (!sound)
      throw invalidParameter(
        'MessageAttributes',
        name,
        'The attribute must contain a DataType and a value of it',
      );
  }
  return value as Record<string, MessageAttribute>;
}
