import type { webSocketLogFields } from '../../cdk/access-log.ts';
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
  | 'cw_logs_gb'
  | 'cw_alarm'
  | 'nlb_hour'
  | 'nlb_lcu_hour'
  | 'fargate_vcpu_arm'
  | 'fargate_gb_arm'
  | 'ipv4_hour'
  | 'iot_msg'
  | 'iot_min'
  | 'iot_rule'
  | 'iot_action'
  | 'emqx_gb'
  | 'emqx_min'
  | 'emqx_rule'
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

/** What AWS bills, in the order of the tables. */
export const items = [
  'API Gateway messages',
  'connection minutes',
  'Lambda requests',
  'Lambda time',
  'DynamoDB reads',
  'DynamoDB writes',
  'SQS requests',
  'function logs',
] as const;
export type Item = (typeof items)[number];

const gigabyte = 1e9;

/** Values of the access log's fields for a frame. */
const accessLogExample: Readonly<Record<keyof typeof webSocketLogFields, string>> = {
  requestId: 'JKJaXmPLvHcESHA=',
  extendedRequestId: 'JKJaXmPLvHcESHA=',
  time: '28/Nov/2026:10:11:12 +0000',
  event: 'MESSAGE',
  route: '$default',
  connectionId: 'JKJaWdJEPHcCEiA=',
  messageId: 'JKJaXcwJPHcCEiA=',
  sourceIp: '203.0.113.195',
  status: '200',
  error: '-',
  integrationStatus: '200',
  integrationError: '-',
  integrationLatencyMilliseconds: '25',
};
export const accessLogLineBytes = Buffer.byteLength(JSON.stringify(accessLogExample)) + 1;

/** Cost of Wisp in AWS in dollars by item, without free tiers, storage and data transfer. */
export function itemsUsd(units: Units): Readonly<Record<Item, number>> {
  return {
    'API Gateway messages': (units.messagesIn + units.messagesOut) * usd('apigw_ws_msg'),
    'connection minutes': units.connectionMinutes * usd('apigw_ws_min'),
    'Lambda requests': total(units.invocations) * usd('lambda_req'),
    'Lambda time': gigabyteSeconds(units) * usd('lambda_gbs_arm'),
    'DynamoDB reads': units.readUnits * usd('ddb_rru'),
    'DynamoDB writes': units.writeUnits * usd('ddb_wru'),
    'SQS requests': units.standardRequests * usd('sqs_std') + units.fifoRequests * usd('sqs_fifo'),
    'function logs': (units.logBytes / gigabyte) * usd('cw_logs_gb'),
  };
}

/** Sum of {@link itemsUsd}. The access log of API Gateway is a setting: {@link accessLogUsd}. */
export function wispUsd(units: Units): number {
  return total(itemsUsd(units));
}

/** Ingestion of API Gateway's access log in dollars, where it is on. */
export function accessLogUsd({ accessLogLines }: Pick<Units, 'accessLogLines'>): number {
  return ((accessLogLines * accessLogLineBytes) / gigabyte) * usd('cw_logs_gb');
}

/**
 * What API Gateway alone bills for an idle connection hour: connection minutes, PINGREQ and
 * PINGRESP once per keep-alive, CONNECT and CONNACK once per `connectionHours`, and a Lambda
 * request for each frame, handshake and close. No service of API Gateway and Lambda costs less.
 */
export function floorUsd(keepAliveSeconds: number, connectionHours: number): number {
  const pings = Math.ceil((connectionHours * 3_600) / keepAliveSeconds) - 1;
  return (
    60 * usd('apigw_ws_min') +
    ((2 * (pings + 1)) / connectionHours) * usd('apigw_ws_msg') +
    ((pings + 3) / connectionHours) * usd('lambda_req')
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
  `GB of logs × ${perMillion('cw_logs_gb')}`,
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
