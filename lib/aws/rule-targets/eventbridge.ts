import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { eventSourceOf } from '../../rules/event-source.ts';
import type { RuleTargetPort } from '../../rules/target.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { inBatches } from './batches.ts';
import { objectOf, textOfBody } from './body.ts';
import { batchEntries, createAwsTarget, type TargetClientOptions } from './clients.ts';

/** Bytes of all entries of a PutEvents (Amazon EventBridge User Guide, "PutEvents entry size"). */
const maxRequestBytes = 262_144;
/** What EventBridge counts for the time of an entry (the same page). */
const timeBytes = 14;

/** Puts records on an event bus, with the body as detail, which must be a JSON object. */
export function createEventBridgeTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'eventbridge',
    maxBatch: batchEntries,
    arnOf: ({ busArn }) => busArn,
    async create(settings) {
      const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
      const client = new EventBridgeClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
    },
    deliver: (putEvents, { busArn, source: named, detailType }, deliveries) => {
      const source = eventSourceOf(named);
      return inBatches(deliveries, {
        maxEntryBytes: maxRequestBytes,
        maxRequestBytes,
        prepare({ body, record }) {
          if (objectOf(body) === undefined) return { kind: 'refused', code: 'rule-body-not-object' };
          const bytes = body.length + Buffer.byteLength(source) + Buffer.byteLength(detailType) + timeBytes;
          const entry = {
            EventBusName: busArn,
            Source: source,
            DetailType: detailType,
            Time: new Date(record.publishedAtMs),
            Detail: textOfBody(body),
          };
          return { entry, bytes };
        },
        async send(entries) {
          const { Entries = [] } = await putEvents([...entries]);
          return entries.map((_, index) => Entries[index]?.ErrorCode);
        },
      });
    },
  });
}
