/**
 * What an edge costs a month by list price, and from how many devices on it costs less than others.
 */
import {
  connectionsPerTask,
  type EdgeFleetSettings,
  fleetDefaults,
  taskSizes,
} from '../../cdk/edge-settings.ts';
import { floorUsd, usd } from './prices.ts';
import type { Table } from './report.ts';

export type TaskSize = Pick<EdgeFleetSettings, 'cpuUnits' | 'memoryMegabytes'>;

const monthHours = 730;
const monthMinutes = 60 * monthHours;
/** Of the load balancer, one in each availability zone. */
const zones = 2;
/**
 * What one NLCU holds of connections whose TLS ends in the tasks, and of those that it ends itself.
 */
const connectionsPerNlcu = { task: 100_000, balancer: 3_000 } as const;

/** The processor and the memory of a task for an hour, and its public address. */
const taskHourUsd = ({ cpuUnits, memoryMegabytes }: TaskSize): number =>
  (cpuUnits / 1_024) * usd('fargate_vcpu_arm') + (memoryMegabytes / 1_024) * usd('fargate_gb_arm');

/**
 * The lease of a process for a month: a write every 3 seconds, and a look every 15 seconds, which
 * is a message that is sent, received and deleted, an invocation and a read. Its back door has a
 * heartbeat a minute, which is a message, an invocation and its answer.
 */
function leaseMonthUsd(): number {
  const seconds = monthHours * 3_600;
  const look = 3 * usd('sqs_std') + usd('lambda_req') + usd('ddb_rru');
  const doorMinute = usd('apigw_ws_min') + 2 * usd('apigw_ws_msg') + usd('lambda_req');
  return (seconds / 3) * usd('ddb_wru') + (seconds / 15) * look + monthMinutes * doorMinute;
}

export interface FixedParts {
  readonly balancer: number;
  readonly addresses: number;
  readonly tasks: number;
  readonly leases: number;
}

/** What a fleet costs a month without any client. */
export function fixedParts(tasks: number, size: TaskSize = fleetDefaults): FixedParts {
  return {
    balancer: monthHours * usd('nlb_hour'),
    addresses: (zones + tasks) * monthHours * usd('ipv4_hour'),
    tasks: tasks * monthHours * taskHourUsd(size),
    leases: tasks * leaseMonthUsd(),
  };
}

const sum = (parts: FixedParts): number => parts.balancer + parts.addresses + parts.tasks + parts.leases;

/** One device: how often it connects and publishes QoS 0 to one subscriber. */
export interface Device {
  readonly connectsADay: number;
  readonly messagesAMinute: number;
}

/** Read and write units of a CONNECT with the end of its connection, and of a QoS 0 message. */
const connectUnits = { reads: 14.5, writes: 9 };
const messageUnits = { reads: 0.5, writes: 0.02 };

const unitsUsd = ({ reads, writes }: typeof connectUnits): number =>
  reads * usd('ddb_rru') + writes * usd('ddb_wru');

function tasksFor(devices: number, size: TaskSize): number {
  return Math.max(fleetDefaults.minTasks, Math.ceil(devices / connectionsPerTask(size)));
}

/** An edge with as many tasks as `devices` need, at least two, for a month. */
export function edgeMonthUsd(
  devices: number,
  device: Device,
  size: TaskSize = fleetDefaults,
  tls: keyof typeof connectionsPerNlcu = 'task',
): number {
  const tasks = tasksFor(devices, size);
  const nlcus = (devices / connectionsPerNlcu[tls]) * monthHours * usd('nlb_lcu_hour');
  const { connectsADay, messagesAMinute } = device;
  const connects = (monthHours / 24) * connectsADay * unitsUsd(connectUnits);
  const messages = monthMinutes * messagesAMinute * unitsUsd(messageUnits);
  return sum(fixedParts(tasks, size)) + nlcus + devices * (connects + messages);
}

/** The same devices elsewhere, for a month each. */
const otherMonthUsd = {
  'AWS IoT Core': ({ connectsADay, messagesAMinute }: Device): number =>
    monthMinutes * usd('iot_min') +
    ((monthHours / 24) * connectsADay + 2 * monthMinutes * messagesAMinute) * usd('iot_msg'),
  'EMQX Serverless': (): number => monthMinutes * usd('emqx_min'),
  /** What API Gateway and Lambda bill at the least for connections of two hours. */
  'Wisp on API Gateway, keep-alive 60 s': (): number => monthHours * floorUsd(60, 2),
  'Wisp on API Gateway, keep-alive 540 s': (): number => monthHours * floorUsd(540, 2),
} as const;

/**
 * The smallest number of devices from which an edge costs less, for this and every larger number.
 */
function breakEven(device: Device, otherUsd: number, size: TaskSize = fleetDefaults): number {
  const isCheaper = (devices: number): boolean => edgeMonthUsd(devices, device, size) < devices * otherUsd;
  let below = 0;
  // Every further task makes a step in the price, so the whole range is looked at.
  for (let devices = 1; devices <= 200_000; devices += 1) if (!isCheaper(devices)) below = devices;
  if (below === 200_000) throw new Error('an edge does not get cheaper');
  return below + 1;
}

const dollars = (value: number): string => value.toFixed(2);

export function fixedTable(): Table {
  const { balancer, addresses, tasks, leases } = fixedParts(fleetDefaults.minTasks);
  const { minTasks, cpuUnits, memoryMegabytes } = fleetDefaults;
  return {
    title: 'The smallest edge, without clients',
    columns: ['part', '$ a month'],
    rows: [
      ['Network Load Balancer', dollars(balancer)],
      [`${zones + minTasks} public IPv4 addresses: ${zones} of it, ${minTasks} of tasks`, dollars(addresses)],
      [
        `${minTasks} tasks with ${cpuUnits / 1_024} vCPU and ${memoryMegabytes / 1_024} GB, arm64`,
        dollars(tasks),
      ],
      ['leases of the tasks: writes, looks, back doors', dollars(leases)],
      ['**all**', `**${dollars(balancer + addresses + tasks + leases)}**`],
    ],
  };
}

export function sizeTable(): Table {
  const sizes = Object.entries(taskSizes).flatMap(([cpu, memories]) =>
    [memories[0], memories.at(-1)].flatMap((memoryMegabytes = 0) => ({
      cpuUnits: Number(cpu),
      memoryMegabytes,
    })),
  );
  return {
    title: 'A further task',
    columns: ['size', 'connections at which the next starts', '$ a month', '$ per million connection hours'],
    rows: sizes.map((size) => {
      const month =
        sum(fixedParts(fleetDefaults.minTasks + 1, size)) - sum(fixedParts(fleetDefaults.minTasks, size));
      const connections = connectionsPerTask(size);
      return [
        `${size.cpuUnits} CPU units, ${size.memoryMegabytes.toLocaleString('en-GB')} MB`,
        connections,
        dollars(month),
        dollars((month / monthHours / connections) * 1e6),
      ];
    }),
  };
}

/** Little processor and much memory: for fleets that say little. */
const idleSize: TaskSize = { cpuUnits: 256, memoryMegabytes: 2_048 };

export function breakEvenTable(): Table {
  const idle = { connectsADay: 1, messagesAMinute: 0 };
  const talking = { connectsADay: 1, messagesAMinute: 1 };
  const rows = Object.entries(otherMonthUsd).map(([name, price]) => [
    name,
    breakEven(idle, price(idle)),
    breakEven(idle, price(idle), idleSize),
    name === 'AWS IoT Core' ? breakEven(talking, price(talking)) : '–',
  ]);
  return {
    title: 'Devices from which an edge costs less',
    columns: ['than', 'idle', 'idle, tasks with 2,048 MB', 'one QoS 0 message a minute'],
    rows,
  };
}

export function fleetTable(): Table {
  const idle = { connectsADay: 1, messagesAMinute: 0 };
  const perMillion = (month: number, devices: number): string =>
    dollars((month / monthHours / devices) * 1e6);
  return {
    title: 'Idle fleets on tasks with 256 CPU units and 2,048 MB',
    columns: ['devices', 'tasks', '$ a month', '$ per million connection hours', 'AWS IoT Core'],
    rows: [10_000, 100_000, 1_000_000].map((devices) => {
      const month = edgeMonthUsd(devices, idle, idleSize);
      return [
        devices.toLocaleString('en-GB'),
        tasksFor(devices, idleSize),
        dollars(month),
        perMillion(month, devices),
        perMillion(devices * otherMonthUsd['AWS IoT Core'](idle), devices),
      ];
    }),
  };
}
