/** Ports of the load balancer, and what clients speak there. */
export const edgePorts = {
  /** MQTT over TLS. */
  8883: 'mqtts',
  /** MQTT over WebSockets over TLS: the port that networks of guests and phones let through. */
  443: 'wss',
  /** MQTT over TCP in clear text, tokens included: for private networks. */
  1883: 'mqtt',
} as const;
export type EdgePort = keyof typeof edgePorts;

/** Sizes of a Fargate task: CPU units (1,024 are one vCPU) → memory in MB. */
export const taskSizes: Readonly<Record<number, readonly number[]>> = {
  256: [512, 1_024, 2_048],
  512: [1_024, 2_048, 3_072, 4_096],
  // One process has one thread for its clients: a second vCPU would hardly be used.
  1024: [2_048, 3_072, 4_096, 5_120, 6_144, 7_168, 8_192],
};

/** A VPC of your own. */
export interface EdgeVpcSettings {
  readonly id: string;
  /** Subnets of the load balancer and the tasks, one in each availability zone; at least one. */
  readonly subnetIds: readonly string[];
  /**
   * Whether load balancer and tasks have private addresses only. The subnets then need a way to
   * AWS, to the registry of the images and to the key sets of issuers (NAT, or endpoints). Default:
   * both have public addresses, and the subnets are public.
   */
  readonly isPrivate: boolean;
}

/** Tasks of Fargate that accept clients, behind a Network Load Balancer. */
export interface EdgeFleetSettings {
  /** Default: 8883 and 443. */
  readonly ports: readonly EdgePort[];
  /**
   * ARN of the secret in Secrets Manager with the certificate: TLS ends in the tasks. One of the
   * two is needed for 8883 and 443.
   */
  readonly certificateSecretArn?: string;
  /** ARN of a certificate in ACM: TLS ends at the load balancer, without client certificates. */
  readonly certificateArn?: string;
  /** Default: a VPC is made, with two public subnets and no NAT. */
  readonly vpc?: EdgeVpcSettings;
  /**
   * Security group whose members may scrape `/metrics` of the tasks, at the port of their health
   * check. Default: tasks serve no metrics.
   */
  readonly metricsFrom?: string;
  /** Image with Node 24 for arm64: `NAME:TAG` or `NAME@sha256:DIGEST`. */
  readonly image: string;
  /** Image with the AWS CLI for arm64, which fetches the code into the task. */
  readonly fetchImage: string;
  /** CPU units of a task: 256, 512 or 1024 (one vCPU). */
  readonly cpuUnits: number;
  /** Memory of a task in MB; {@link taskSizes} says what goes with which CPU. */
  readonly memoryMegabytes: number;
  /** Tasks that run in any case. With one, its end disconnects every client. */
  readonly minTasks: number;
  /** Bound of what a flood of connections can cost. */
  readonly maxTasks: number;
}

export interface EdgeSettings {
  /**
   * Default: none. The stack then has the back door and the permissions only, for processes that
   * you run yourself (`wisp edge --stack NAME`).
   */
  readonly fleet?: EdgeFleetSettings;
}

/** The smallest fleet in which no single failure disconnects everyone. */
export const fleetDefaults = {
  ports: [8883, 443],
  image: 'public.ecr.aws/docker/library/node:24-slim',
  fetchImage: 'public.ecr.aws/aws-cli/aws-cli:2.37.1',
  cpuUnits: 256,
  memoryMegabytes: 512,
  minTasks: 2,
  maxTasks: 10,
} as const satisfies EdgeFleetSettings;

/** Memory in MB of a process without connections: Node, the code, caches. */
const processMegabytes = 160;

/** Memory of a connection with TLS in KB, measured at 10,000 (docs/performance.md). */
const connectionKilobytes = 40;

/** Descriptors that Fargate gives a process are 65,535; some are for calls to AWS. */
const maxConnections = 60_000;

/**
 * Connections of a task at which another one starts: two thirds of what its memory holds, so that
 * the others have room for the clients of one that dies.
 */
export function connectionsPerTask({ memoryMegabytes }: Pick<EdgeFleetSettings, 'memoryMegabytes'>): number {
  const held = ((memoryMegabytes - processMegabytes) * 1_024) / connectionKilobytes;
  return Math.min(maxConnections, Math.floor((held * 2) / 3 / 100) * 100);
}
