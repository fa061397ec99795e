import { createHash } from 'node:crypto';
import type { PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import type { RuleTargetPort } from '../../rules/target.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { inBatches } from './batches.ts';
import { batchEntries, createAwsTarget, type TargetClientOptions } from './clients.ts';

/** Bytes of a record with its key that every stream takes (Amazon Kinesis, "Quotas and limits"). */
const maxRecordBytes = 1_048_576;
/** Bytes of all records of one PutRecords (the same page). */
const maxRequestBytes = 5_242_880;
/** Characters of a partition key (Amazon Kinesis API Reference, PutRecordsRequestEntry). */
const maxKeyCharacters = 256;

/**
 * Puts records into a data stream, with the topic as partition key. Kinesis may take a record
 * behind one that it has refused; both are sent again, so a consumer sees the last ones in order.
 */
export function createKinesisTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'kinesis',
    maxBatch: batchEntries,
    arnOf: ({ streamArn }) => streamArn,
    async create(settings) {
      const { KinesisClient, PutRecordsCommand } = await import('@aws-sdk/client-kinesis');
      const client = new KinesisClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (StreamARN: string, Records: PutRecordsRequestEntry[]) =>
        client.send(new PutRecordsCommand({ StreamARN, Records }));
    },
    deliver: (putRecords, { streamArn }, deliveries) =>
      inBatches(deliveries, {
        maxEntryBytes: maxRecordBytes,
        maxRequestBytes,
        prepare({ body, event }) {
          const key = partitionKeyOf(event.topic);
          return { entry: { Data: body, PartitionKey: key }, bytes: body.length + Buffer.byteLength(key) };
        },
        async send(entries) {
          const { Records = [] } = await putRecords(streamArn, [...entries]);
          return entries.map((_, index) => Records[index]?.ErrorCode);
        },
      }),
  });
}

function partitionKeyOf(topic: string): string {
  return topic.length <= maxKeyCharacters ? topic : createHash('sha256').update(topic).digest('base64url');
}
