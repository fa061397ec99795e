import { presets } from '../../cdk/settings.ts';
import type { Units } from './billed-service.ts';
import list from './prices.json' with { type: 'json' };

type PriceId =
  | 'apigw_ws_msg'
  | 'apigw_ws_min'
  | 'lambda_req'
  | 'lambda_gbs_arm'
  | 'ddb_rru'
  | 'ddb_wru'
  | 'sqs_std'
  | 'sqs_fifo'
  | 'iot_msg'
  | 'iot_min'
  | 'emqx_gb'
  | 'emqx_min'
  | 'eg_op'
  | 'eg_tu_hour';

/** Dollars for one of the unit that the list names, a million counted as one: us-east-1, sources in prices.json. */
export function usd(id: PriceId): number {
  const price = list.prices.find((entry) => entry.id === id);
  if (price === undefined) throw new Error(`prices.json has no ${id}`);
  return price.usd / (price.unit.startsWith('1e6') ? 1e6 : 1);
}

/** Memory of each function in the stack's `prod` preset; a function without a setting counts as the message function. */
const memory: Readonly<Record<string, number>> = presets.prod.memoryMegabytes;

export function gigabyteSeconds({ billedMs }: Pick<Units, 'billedMs'>): number {
  return Object.entries(billedMs).reduce(
    (total, [name, ms]) =>
      total + ((memory[name] ?? presets.prod.memoryMegabytes.message) / 1024) * (ms / 1000),
    0,
  );
}

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** What Wisp costs in AWS in dollars, without free tiers, storage, logs and data transfer. */
export function wispUsd(units: Units): number {
  return (
    (units.messagesIn + units.messagesOut) * usd('apigw_ws_msg') +
    units.connectionMinutes * usd('apigw_ws_min') +
    total(units.invocations) * usd('lambda_req') +
    gigabyteSeconds(units) * usd('lambda_gbs_arm') +
    units.readUnits * usd('ddb_rru') +
    units.writeUnits * usd('ddb_wru') +
    units.standardRequests * usd('sqs_std') +
    units.fifoRequests * usd('sqs_fifo')
  );
}

/** The formula of {@link wispUsd} for the reader. */
export const wispFormula = [
  `messages × ${perMillion('apigw_ws_msg')}`,
  `connection minutes × ${perMillion('apigw_ws_min')}`,
  `requests × ${perMillion('lambda_req')}`,
  `GB-s × ${(usd('lambda_gbs_arm') * 1e6).toFixed(2)}`,
  `RRU × ${perMillion('ddb_rru')}`,
  `WRU × ${perMillion('ddb_wru')}`,
  `SQS requests × ${perMillion('sqs_std')} (FIFO ${perMillion('sqs_fifo')})`,
].join(' + ');

export function perMillion(id: PriceId): string {
  return String(Number((usd(id) * 1e6).toPrecision(6)));
}

/** What one delivered message of a workload is to a service that bills by MQTT packets or by bytes. */
export interface PacketsPerDelivery {
  /** PUBLISH from the publisher, PUBLISH to the subscriber. */
  readonly publishesIn: number;
  readonly publishesOut: number;
  /** PUBACK of the subscriber; that of the service is as many. */
  readonly acknowledgements: number;
  readonly publishBytes: number;
  readonly acknowledgementBytes: number;
  /** Packets that share a TCP segment and a TLS record. */
  readonly packetsPerSegment: number;
}

/** IP and TCP headers and a TLS 1.3 record. */
const segmentBytes = 69;
const gibibyte = 2 ** 30;

/** PUBLISH in, PUBLISH out and PUBACK of the device, by 5 KB; CONNECT and acknowledgements of the service are left out. */
export function iotCoreUsd(packets: PacketsPerDelivery): number {
  const { publishesIn, publishesOut, acknowledgements } = packets;
  return (publishesIn + publishesOut + acknowledgements) * usd('iot_msg');
}

/** Traffic in both directions by the gibibyte. */
export function emqxUsd(packets: PacketsPerDelivery): number {
  const overhead = segmentBytes / packets.packetsPerSegment;
  const publishes = (packets.publishesIn + packets.publishesOut) * (packets.publishBytes + overhead);
  const acknowledgements = packets.acknowledgements * 2 * (packets.acknowledgementBytes + overhead);
  return ((publishes + acknowledgements) / gibibyte) * usd('emqx_gb');
}

/** Two operations, and a throughput unit that takes 1,000 publishes a second when it is fully used. Unverified prices. */
export function eventGridUsd({ publishesIn, publishesOut }: PacketsPerDelivery): number {
  return (publishesIn + publishesOut) * usd('eg_op') + publishesIn * (usd('eg_tu_hour') / (1_000 * 3_600));
}

/** An idle connection for an hour with a PINGREQ every `keepAliveSeconds`. */
export const idleHourUsd = {
  iotCore: (): number => 60 * usd('iot_min'),
  emqx: (keepAliveSeconds: number): number =>
    60 * usd('emqx_min') + ((3_600 / keepAliveSeconds) * 2 * (2 + segmentBytes) * usd('emqx_gb')) / gibibyte,
  /** Without and with PINGREQ counted as an operation: which is true was not found. Unverified prices. */
  eventGrid: (keepAliveSeconds: number): readonly [number, number] => {
    const unit = usd('eg_tu_hour') / 10_000;
    return [unit, unit + (3_600 / keepAliveSeconds) * usd('eg_op')];
  },
} as const;
