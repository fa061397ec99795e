import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';
import { type Edge, type EdgeOptions, startEdge } from '../../lib/edge/index.ts';
import { noBackDoor } from '../support/no-back-door.ts';
import {
  type LocalServiceOptions,
  type Mint,
  startTestService,
  type TestService,
} from '../support/service.ts';

export interface Edged {
  readonly service: TestService;
  readonly edge: Edge;
  /** Connects MQTT.js over TCP. */
  connect(mint: Mint, options?: IClientOptions): Promise<MqttClient>;
  /**
   * Connects MQTT.js over WebSocket. MQTT.js chooses its WebSocket for the whole process at the
   * first connection, so only this one goes with clients of the gateway in one file.
   */
  connectWs(mint: Mint, options?: IClientOptions): Promise<MqttClient>;
}

let running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of running.reverse()) await close();
  running = [];
});

let edges = 0;

/** An edge of a service in this process. */
export function edgeOf(service: TestService, options: Partial<EdgeOptions> = {}): Promise<Edge> {
  edges += 1;
  return startEdge({
    edge: `EDGE${edges}`,
    log: service.service.log,
    mqttPort: 0,
    wsPort: 0,
    compose: service.composeEdge,
    openBackDoor: async () => noBackDoor,
    ...options,
  });
}

/** A service and an edge in this process. */
export async function startEdged(
  options: { readonly service?: Partial<LocalServiceOptions>; readonly edge?: Partial<EdgeOptions> } = {},
): Promise<Edged> {
  const service = await startTestService(options.service);
  running.push(service);
  const edge = await edgeOf(service, options.edge);
  running.push(edge);
  const closed = async (connecting: Promise<MqttClient>): Promise<MqttClient> => {
    const client = await connecting;
    running.push({ close: async () => void (await client.endAsync(true)) });
    return client;
  };
  return {
    service,
    edge,
    connect: (mint, overrides = {}) =>
      closed(connectTo(`mqtt://127.0.0.1:${edge.mqttPort}`, mint, overrides)),
    connectWs: (mint, overrides = {}) => closed(connectWsTo(edge, mint, overrides)),
  };
}

/** Connects MQTT.js over WebSocket. The caller ends it. */
export function connectWsTo(edge: Edge, mint: Mint, overrides: IClientOptions): Promise<MqttClient> {
  return connectTo(`ws://127.0.0.1:${edge.wsPort}/mqtt`, mint, {
    forceNativeWebSocket: true,
    createWebsocket: (url, protocols) => new WebSocket(url, protocols) as never,
    ...overrides,
  });
}

async function connectTo(url: string, mint: Mint, overrides: IClientOptions): Promise<MqttClient> {
  return mqtt.connectAsync(url, {
    username: mint.tenant,
    password: await mint(),
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...overrides,
  });
}
