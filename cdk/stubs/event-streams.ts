// Replaces `@smithy/core/event-streams` in the functions: 16 KB that the SDK loads for operations
// with event streams. DynamoDB, SQS, the management API and Secrets Manager have none.

/**
 * @throws Error always: an operation with event streams was called, which this module does not
 *   support.
 */
export function eventStreamSerdeProvider(): never {
  throw new Error('event streams are left out of this bundle: see cdk/bundling.ts');
}

export class EventStreamSerde {
  constructor() {
    eventStreamSerdeProvider();
  }
}
