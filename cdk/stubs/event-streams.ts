// Stands in for `@smithy/core/event-streams` in the functions: 16 KB that the SDK loads for operations which stream
// events. None of DynamoDB, SQS, the management API and Secrets Manager has one.

/** @throws Error always: an operation that streams was called after all, so this module has to go. */
export function eventStreamSerdeProvider(): never {
  throw new Error('event streams are left out of this bundle: see cdk/bundling.ts');
}

export class EventStreamSerde {
  constructor() {
    eventStreamSerdeProvider();
  }
}
