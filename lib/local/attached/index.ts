import { type Bridge, startBridge } from '../../bridge/index.ts';
import { type Gateway, startGateway } from '../gateway/index.ts';
import { readDeployed } from './deployed.ts';
import type { Emulator } from './emulator.ts';
import { createDeployedFunctions } from './functions.ts';

export interface AttachedOptions {
  readonly emulator: Emulator;
  readonly stackName: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port of the gateway; 0 picks a free one. */
  readonly port: number;
  /**
   * Ports of the bridge: MQTT over TCP and binary MQTT over WebSocket. Absent: no such listener.
   */
  readonly mqttPort?: number;
  readonly wsPort?: number;
  /** The gateway's URL from inside the functions' containers. Default: its URL on this machine. */
  readonly callbackUrl?: string;
  /** Bound of concurrent invocations. Default 8. */
  readonly maxConcurrentInvocations?: number;
  /** Receives a line per failure of a function or the gateway, without payloads. Default: none. */
  readonly log?: (line: object) => void;
}

export interface Attached {
  readonly gateway: Gateway;
  readonly bridge: Bridge | undefined;
  close(): Promise<void>;
}

const failures = new Set(['invocationFailed', 'invocationTimedOut', 'gatewayError', 'clientBufferFull']);

/**
 * Puts the local gateway in front of a stack that is deployed at an emulator, because emulators
 * have no usable WebSocket data plane. WebSockets terminate here, routes call `lambda:Invoke`
 * there, and the functions post back here.
 *
 * The functions learn the gateway's URL from their environment. Start this again after a deployment
 * that changes a function.
 *
 * @throws UserError `deployed`, or an error with `code` EADDRINUSE. Everything is closed then.
 */
export async function startAttached(options: AttachedOptions): Promise<Attached> {
  const { emulator, stackName, host = '127.0.0.1', log = () => {} } = options;
  const deployed = await readDeployed(emulator, stackName);
  const functions = createDeployedFunctions(emulator, deployed, options.maxConcurrentInvocations ?? 8);
  const running: { close(): Promise<void> }[] = [functions];
  let closing = false;
  const close = async () => {
    closing = true;
    for (const part of running.toReversed()) await part.close();
  };
  try {
    const gateway = await startGateway({
      host,
      port: options.port,
      stage: deployed.stage,
      apiId: deployed.apiId,
      region: emulator.region,
      routeSelectionExpression: deployed.routeSelectionExpression,
      routes: Object.keys(deployed.routes).filter((route) => !route.startsWith('$')),
      invoke: functions.invoke,
      log: (line) => {
        // Invocations that closing interrupts are not failures.
        if (!closing && 'event' in line && failures.has(String(line.event))) log(line);
      },
    });
    running.push(gateway);
    await functions.sendCallbacksTo(options.callbackUrl ?? gateway.callbackUrl);
    const bridge = await bridgeTo(gateway, host, options);
    if (bridge !== undefined) running.push(bridge);
    return { gateway, bridge, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bridgeTo(
  gateway: Gateway,
  host: string,
  { mqttPort, wsPort }: AttachedOptions,
): Promise<Bridge | undefined> {
  if (mqttPort === undefined && wsPort === undefined) return undefined;
  return startBridge({
    upstreamUrl: gateway.url,
    host,
    ...(mqttPort === undefined ? {} : { mqttPort }),
    ...(wsPort === undefined ? {} : { wsPort }),
  });
}
