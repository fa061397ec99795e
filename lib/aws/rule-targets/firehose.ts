import type { _Record as FirehoseRecord } from '@aws-sdk/client-firehose';
import type { RuleTargetPort } from '../../rules/target.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { inBatches } from './batches.ts';
import { batchEntries, createAwsTarget, nameInArn, type TargetClientOptions } from './clients.ts';

/** Bytes of a record (Amazon Data Firehose Developer Guide, "Quota": 1,000 KiB). */
const maxRecordBytes = 1_024_000;
/** Bytes of all records of one PutRecordBatch (the same page). */
const maxRequestBytes = 4_194_304;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const isJson = /^application\/(?:[\w.-]+\+)?json\b/i;

/** Puts records into a delivery stream, each on a line of its own. */
export function createFirehoseTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'firehose',
    maxBatch: batchEntries,
    arnOf: ({ streamArn }) => streamArn,
    async create(settings) {
      const { FirehoseClient, PutRecordBatchCommand } = await import('@aws-sdk/client-firehose');
      const client = new FirehoseClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (DeliveryStreamName: string, Records: FirehoseRecord[]) =>
        client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records }));
    },
    deliver: (putRecords, { streamArn }, deliveries) =>
      inBatches(deliveries, {
        maxEntryBytes: maxRecordBytes,
        maxRequestBytes,
        prepare({ body, contentType }) {
          const content = body.at(-1) === newline ? body.subarray(0, -1) : body;
          const line = isJson.test(contentType) ? onOneLine(content) : content;
          const data = Buffer.concat([line, Uint8Array.of(newline)]);
          return { entry: { Data: data }, bytes: data.length };
        },
        async send(entries) {
          const { RequestResponses = [] } = await putRecords(nameInArn(streamArn), [...entries]);
          return entries.map((_, index) => RequestResponses[index]?.ErrorCode);
        },
      }),
  });
}

/**
 * JSON without line breaks, which may stand in it only between its parts. A publisher could
 * otherwise write a line that looks like the envelope of another message.
 */
function onOneLine(json: Uint8Array): Uint8Array {
  if (!json.includes(newline) && !json.includes(carriageReturn)) return json;
  return json.map((byte) => (byte === newline || byte === carriageReturn ? space : byte));
}
