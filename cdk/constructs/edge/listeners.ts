import { type EdgeFleetSettings, type EdgePort, edgePorts } from '../../edge-settings.ts';

/** A port of the load balancer and where its clients go. */
export interface EdgeListener {
  readonly port: EdgePort;
  /** Port of the task. Those below 1024 are for root alone. */
  readonly taskPort: number;
  /** Variable by which the process learns its port. */
  readonly variable: string;
  /** Whether TLS ends at the load balancer. */
  readonly endsTls: boolean;
}

/** Port of the task for the load balancer's health checks. */
export const healthPort = 8080;

const mqtt = { taskPort: 1883, variable: 'EDGE_MQTT_PORT' };
const ws = { taskPort: 8083, variable: 'EDGE_WS_PORT' };
const mqtts = { taskPort: 8883, variable: 'EDGE_TLS_PORT' };
const wss = { taskPort: 8084, variable: 'EDGE_WSS_PORT' };

/**
 * With a certificate of ACM the tasks get clear text, since ACM does not give keys away.
 * @throws where a port needs a certificate and there is none.
 */
export function edgeListeners({
  ports,
  certificateArn,
  certificateSecretArn,
}: EdgeFleetSettings): EdgeListener[] {
  const needing = ports.find((port) => edgePorts[port] !== 'mqtt');
  if (needing !== undefined && certificateArn === undefined && certificateSecretArn === undefined)
    throw new Error(`the edge's port ${needing} needs certificateSecretArn or certificateArn`);
  const endsTls = certificateArn !== undefined;
  const targets = {
    8883: { ...(endsTls ? mqtt : mqtts), endsTls },
    443: { ...(endsTls ? ws : wss), endsTls },
    1883: { ...mqtt, endsTls: false },
  } as const satisfies Record<EdgePort, Omit<EdgeListener, 'port'>>;
  return ports.map((port) => ({ port, ...targets[port] }));
}
