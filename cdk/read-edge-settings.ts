import {
  type EdgeFleetSettings,
  type EdgePort,
  type EdgeSettings,
  type EdgeVpcSettings,
  edgePorts,
  fleetDefaults,
  taskSizes,
} from './edge-settings.ts';
import {
  type ReadContext,
  readChoice,
  readCount,
  readQuota,
  readSwitch,
  readText,
  SettingsError,
} from './read-values.ts';

/** Settings that mean something with `edge=on` only. */
const fleetSettings = [
  'edgePorts',
  'edgeCertificateSecret',
  'edgeCertificateArn',
  'edgeVpc',
  'edgeSubnets',
  'edgePrivate',
  'edgeMetricsFrom',
  'edgeImage',
  'edgeFetchImage',
  'edgeCpuUnits',
  'edgeMemoryMegabytes',
  'edgeMinTasks',
  'edgeMaxTasks',
] as const;

/**
 * The edge: `-c edge=on` with
 * - `-c edgePorts=8883,443,1883`, and for the first two `-c edgeCertificateSecret=ARN` or
 *   `-c edgeCertificateArn=ARN`
 * - `-c edgeVpc=vpc-…` with `-c edgeSubnets=subnet-…,…` and `-c edgePrivate=true|false`
 * - `-c edgeMetricsFrom=sg-…`
 * - `-c edgeImage=…`, `-c edgeFetchImage=…`
 * - `-c edgeCpuUnits=256|512|1024`, `-c edgeMemoryMegabytes=…`
 * - `-c edgeMinTasks=…`, `-c edgeMaxTasks=…`
 *
 * `-c edge=external` has none of these.
 * @param region region of the deployment if known: certificates of another region are refused.
 * @throws SettingsError when a value is missing or cannot work.
 */
export function readEdge(context: ReadContext, region: string | undefined): EdgeSettings | undefined {
  const edge = readChoice(context, 'edge', ['off', 'on', 'external'], 'off');
  const given = fleetSettings.filter((name) => ![undefined, null, ''].includes(context(name) as undefined));
  if (edge === 'on') return { fleet: readFleet(context, region) };
  const [first] = given;
  if (first !== undefined) throw new SettingsError(`${first}: means nothing without edge=on`);
  return edge === 'external' ? {} : undefined;
}

function readFleet(context: ReadContext, region: string | undefined): EdgeFleetSettings {
  const ports = readPorts(context);
  const { cpuUnits, memoryMegabytes } = readTaskSize(context);
  const vpc = readVpc(context);
  const { edgeMinTasks: minTasks = fleetDefaults.minTasks } = readCount(context, 'edgeMinTasks', 1);
  const { edgeMaxTasks: maxTasks = Math.max(minTasks, fleetDefaults.maxTasks) } = readCount(
    context,
    'edgeMaxTasks',
    1,
  );
  if (maxTasks < minTasks) throw new SettingsError(`edgeMaxTasks: at least edgeMinTasks, ${minTasks}`);
  return {
    ports,
    ...readCertificate(context, ports, region),
    ...(vpc === undefined ? {} : { vpc }),
    ...readMetricsFrom(context),
    image: readImage(context, 'edgeImage', fleetDefaults.image),
    fetchImage: readImage(context, 'edgeFetchImage', fleetDefaults.fetchImage),
    cpuUnits,
    memoryMegabytes,
    minTasks,
    maxTasks,
  };
}

function readMetricsFrom(context: ReadContext): Pick<EdgeFleetSettings, 'metricsFrom'> {
  const metricsFrom = readText(context, 'edgeMetricsFrom');
  if (metricsFrom === undefined) return {};
  if (!/^sg-[0-9a-f]+$/.test(metricsFrom))
    throw new SettingsError('edgeMetricsFrom: the id of a security group, such as sg-0123456789abcdef0');
  return { metricsFrom };
}

function readPorts(context: ReadContext): EdgePort[] {
  const value = context('edgePorts');
  const text = typeof value === 'number' ? String(value) : readText(context, 'edgePorts');
  if (text === undefined) return [...fleetDefaults.ports];
  const known = Object.keys(edgePorts).map(Number) as EdgePort[];
  const ports = text.split(',').map((one) => known.find((port) => String(port) === one.trim()));
  if (ports.includes(undefined) || new Set(ports).size < ports.length) {
    throw new SettingsError(`edgePorts: any of ${known.join(', ')}, each once, with "," between them`);
  }
  return ports as EdgePort[];
}

function readCertificate(
  context: ReadContext,
  ports: readonly EdgePort[],
  region: string | undefined,
): Pick<EdgeFleetSettings, 'certificateSecretArn' | 'certificateArn'> {
  const secret = readText(context, 'edgeCertificateSecret');
  const certificate = readText(context, 'edgeCertificateArn');
  const hasTls = ports.some((port) => edgePorts[port] !== 'mqtt');
  if (!hasTls) {
    if (secret === undefined && certificate === undefined) return {};
    throw new SettingsError('edgePorts: a certificate means nothing with 1883 alone');
  }
  if ((secret === undefined) === (certificate === undefined)) {
    throw new SettingsError(
      'edgeCertificateSecret or edgeCertificateArn: ports 8883 and 443 need one of the two',
    );
  }
  if (certificate !== undefined) {
    const found = /^arn:[a-z-]+:acm:([a-z0-9-]+):\d{12}:certificate\/\S+$/.exec(certificate)?.[1];
    checkRegion('edgeCertificateArn', 'an ACM certificate (arn:aws:acm:…)', found, region);
    return { certificateArn: certificate };
  }
  // The six characters that Secrets Manager appends make the ARN one that a policy can name
  // exactly.
  const found = /^arn:[a-z-]+:secretsmanager:([a-z0-9-]+):\d{12}:secret:\S+-[A-Za-z0-9]{6}$/.exec(
    String(secret),
  )?.[1];
  checkRegion('edgeCertificateSecret', 'a secret with its six last characters', found, region);
  return { certificateSecretArn: String(secret) };
}

function checkRegion(
  name: string,
  kind: string,
  found: string | undefined,
  region: string | undefined,
): void {
  if (found === undefined) throw new SettingsError(`${name}: not the ARN of ${kind}`);
  if (region !== undefined && region !== found)
    throw new SettingsError(
      `${name}: it is in ${found}, the stack in ${region}; they must be in the same region`,
    );
}

function readVpc(context: ReadContext): EdgeVpcSettings | undefined {
  const id = readText(context, 'edgeVpc');
  const subnets = readText(context, 'edgeSubnets');
  const isPrivate = readSwitch(context, 'edgePrivate', false);
  if (id === undefined) {
    if (subnets === undefined && !isPrivate) return undefined;
    throw new SettingsError('edgeVpc is missing: edgeSubnets and edgePrivate mean nothing without it');
  }
  if (!/^vpc-[0-9a-f]{8,17}$/.test(id))
    throw new SettingsError('edgeVpc: an id such as vpc-0123456789abcdef0');
  const subnetIds = subnets?.split(',').map((one) => one.trim()) ?? [];
  if (subnetIds.length === 0 || !subnetIds.every((one) => /^subnet-[0-9a-f]{8,17}$/.test(one)))
    throw new SettingsError(
      'edgeSubnets: ids of subnets of edgeVpc, one in each zone, with "," between them',
    );
  return { id, subnetIds, isPrivate };
}

function readImage(context: ReadContext, name: string, preset: string): string {
  const image = readText(context, name) ?? preset;
  if (!/^[a-z0-9][a-z0-9./_-]*(:[0-9]+\/[a-z0-9./_-]+)?(:[\w.-]{1,128}|@sha256:[0-9a-f]{64})$/.test(image))
    throw new SettingsError(`${name}: NAME:TAG or NAME@sha256:DIGEST`);
  return image;
}

function readTaskSize(context: ReadContext): Pick<EdgeFleetSettings, 'cpuUnits' | 'memoryMegabytes'> {
  const { edgeCpuUnits: cpuUnits = fleetDefaults.cpuUnits } = readQuota(context, 'edgeCpuUnits');
  const sizes = taskSizes[cpuUnits];
  const [smallest] = sizes ?? [];
  if (sizes === undefined || smallest === undefined)
    throw new SettingsError(`edgeCpuUnits: one of ${Object.keys(taskSizes).join(', ')}`);
  const { edgeMemoryMegabytes: memoryMegabytes = smallest } = readQuota(context, 'edgeMemoryMegabytes');
  if (!sizes.includes(memoryMegabytes))
    throw new SettingsError(`edgeMemoryMegabytes: with ${cpuUnits} CPU units one of ${sizes.join(', ')}`);
  return { cpuUnits, memoryMegabytes };
}
