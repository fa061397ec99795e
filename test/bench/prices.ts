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

/** Price in dollars of one unit (not of a million) in us-east-1. The sources are in prices.json. */
export function usd(id: PriceId): number {
  const price = list.prices.find((entry) => entry.id === id);
  if (price === undefined) throw new Error(`prices.json has no ${id}`);
  return price.usd / (price.unit.startsWith('1e6') ? 1e6 : 1);
}

/** Memory of each function in preset `prod`. Functions without a value have that of `message`. */
const memory: Readonly<Record<string, number>> = presets.prod.memoryMegabytes;

function gigabyteSeconds({ billedMs }: Pick<Units, 'billedMs'>): number {
  return Object.entries(billedMs).reduce(
    (total, [name, ms]) =>
      total + ((memory[name] ?? presets.prod.memoryMegabytes.message) / 1024) * (ms / 1000),
    0,
  );
}

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Cost of Wisp in AWS in dollars, without free tiers, storage, logs and data transfer. */
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

/** Formula of {@link wispUsd} as text, in dollars per million. */
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

/** MQTT packets and bytes per delivered message, for services that bill by packets or traffic. */
export interface PacketsPerDelivery {
  /** PUBLISH packets from the publisher, and to the subscriber. */
  readonly publishesIn: number;
  readonly publishesOut: number;
  /** PUBACK packets from the subscriber. The service sends as many. */
  readonly acknowledgements: number;
  readonly publishBytes: number;
  readonly acknowledgementBytes: number;
  /** Packets per TCP segment and TLS record. */
  readonly packetsPerSegment: number;
}

/** IP header, TCP header and overhead of a TLS 1.3 record. */
const segmentBytes = 69;
const gibibyte = 2 ** 30;

/**
 * Counts PUBLISH in, PUBLISH out and PUBACK of the device, metered per 5 KB. CONNECT and the
 * acknowledgements of the service are not counted.
 */
export function iotCoreUsd(packets: PacketsPerDelivery): number {
  const { publishesIn, publishesOut, acknowledgements } = packets;
  return (publishesIn + publishesOut + acknowledgements) * usd('iot_msg');
}

/** Counts traffic in both directions, billed per gibibyte. */
export function emqxUsd(packets: PacketsPerDelivery): number {
  const overhead = segmentBytes / packets.packetsPerSegment;
  const publishes = (packets.publishesIn + packets.publishesOut) * (packets.publishBytes + overhead);
  const acknowledgements = packets.acknowledgements * 2 * (packets.acknowledgementBytes + overhead);
  return ((publishes + acknowledgements) / gibibyte) * usd('emqx_gb');
}

/**
 * Counts two operations and a share of a fully used throughput unit (1,000 publishes per second).
 * The prices are unverified.
 */
export function eventGridUsd({ publishesIn, publishesOut }: PacketsPerDelivery): number {
  return (publishesIn + publishesOut) * usd('eg_op') + publishesIn * (usd('eg_tu_hour') / (1_000 * 3_600));
}

/** Cost of an idle connection for one hour with a PINGREQ every `keepAliveSeconds`. */
export const idleHourUsd = {
  iotCore: (): number => 60 * usd('iot_min'),
  emqx: (keepAliveSeconds: number): number =>
    60 * usd('emqx_min') + ((3_600 / keepAliveSeconds) * 2 * (2 + segmentBytes) * usd('emqx_gb')) / gibibyte,
  /** Cost without and with PINGREQ as an operation: the documentation does not say. Unverified. */
  eventGrid: (keepAliveSeconds: number): readonly [number, number] => {
    const unit = usd('eg_tu_hour') / 10_000;
    return [unit, unit + (3_600 / keepAliveSeconds) * usd('eg_op')];
  },
} as const;
