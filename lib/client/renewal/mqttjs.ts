import type { IClientOptions, MqttClient } from 'mqtt';
import type { AdapterOptions } from '../types.ts';
import { authenticationMethod, encodeReAuthentication } from './auth-packet.ts';
import { type Drain, whenDrained } from './drain.ts';
import { endCauseOf } from './end-cause.ts';
import { type EndCause, Keeper } from './keeper.ts';
import type { RenewalOptions } from './options.ts';

/** Options of MQTT.js that {@link ConnectOptions} sets itself. */
type OwnOptions =
  | 'username'
  | 'password'
  | 'auth'
  | 'authPacket'
  | 'protocolVersion'
  | 'protocolId'
  | 'reconnectPeriod'
  | 'reconnectOnConnackError'
  | 'manualConnect'
  | 'createWebsocket'
  | 'forceNativeWebSocket'
  | 'transformWsUrl'
  | 'servers';

/** MQTT.js's options, and those that keep the connection open with valid tokens. */
export interface ConnectOptions extends Omit<IClientOptions, OwnOptions>, RenewalOptions {
  /** Name of the tenant. */
  readonly tenant: string;
  /** 5 (default) renews tokens on the living connection; 4 (MQTT 3.1.1) reconnects for it. */
  readonly protocolVersion?: 4 | 5;
  /** Options of the adapter, such as `{ acknowledge: 'needed' }`. */
  readonly adapter?: AdapterOptions;
}

/** Seconds that a session outlives its connection, so that a reconnect misses no message. */
const sessionExpirySeconds = 300;

/** MQTT.js's own reconnect timer, which would use old tokens, never fires: 24 days. */
const neverMs = 2 ** 31 - 1;

const disconnectPacket = [0xe0, 0];

/** The options for MQTT.js itself. */
export function mqttJsOptions(options: ConnectOptions): IClientOptions {
  const {
    tenant,
    getToken: _getToken,
    maxReconnectMs: _maxReconnectMs,
    maxRefusedReconnectMs: _maxRefusedReconnectMs,
    clock: _clock,
    random: _random,
    adapter: _adapter,
    protocolVersion = 5,
    ...rest
  } = options;
  const properties =
    protocolVersion === 5
      ? {
          properties: {
            ...(rest.clean === undefined ? { sessionExpiryInterval: sessionExpirySeconds } : {}),
            ...rest.properties,
            authenticationMethod,
          },
        }
      : {};
  return {
    ...rest,
    ...properties,
    protocolVersion,
    username: tenant,
    reconnectPeriod: neverMs,
    manualConnect: true,
  };
}

/**
 * Opens a client that has not connected yet, and keeps it open: see {@link Keeper}. `client.end()`
 * ends it.
 */
export function keepOpen(client: MqttClient, options: ConnectOptions): MqttClient {
  const { protocolVersion = 5 } = options;
  let isFirst = true;
  let isAccepted = false;
  let cause: EndCause = 'lost';
  let streamError: Error | undefined;
  /** 3.1.1: ends the connection for its renewal, once nothing is under way. */
  let draining: Drain | undefined;
  let isReopening = false;

  const keeper = new Keeper(
    {
      open(token) {
        isAccepted = false;
        cause = 'lost';
        streamError = undefined;
        setToken(client.options, token);
        if (!isFirst) client.emit('reconnect');
        isFirst = false;
        client.connect();
        client.stream.on('error', (error: Error) => {
          streamError = error;
        });
      },
      renew(token) {
        if (protocolVersion === 5) {
          setToken(client.options, token);
          if (isAccepted) client.stream.write(encodeReAuthentication(token));
        } else if (isAccepted) reopenWhenDrained();
      },
      fail: (error) => client.emit('error', error),
    },
    options,
  );

  /** Sends DISCONNECT, so that the Will is not published; writes go to the queue meanwhile. */
  function reopenWhenDrained(): void {
    draining = whenDrained(
      () => Object.keys(client.outgoing).length === 0,
      () => {
        if (!client.connected) return;
        isReopening = true;
        client.connected = false;
        client.stream.write(Uint8Array.from(disconnectPacket));
        client.stream.end();
      },
      options.clock,
    );
  }

  client.on('connect', () => {
    isAccepted = true;
    keeper.opened();
    // The first connection begins a session, the later ones resume it.
    if (protocolVersion === 5 && options.clean === undefined) client.options.clean = false;
  });
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'connack' || packet.cmd === 'disconnect') {
      const code = packet.reasonCode ?? ('returnCode' in packet ? packet.returnCode : 0);
      if (code) cause = endCauseOf(code);
    }
    // MQTT.js handles the packet after this event.
    if (draining) void Promise.resolve().then(draining.check);
  });
  client.on('close', () => {
    draining?.cancel();
    if (client.disconnecting) return;
    if (isReopening) {
      isReopening = false;
      keeper.reopen();
      return;
    }
    keeper.closed(cause, streamError?.message);
  });
  // Without a listener an `error` event would end the program.
  client.on('error', (error) => {
    if (client.listenerCount('error') === 1) console.error('wisp-mqtt-client:', error);
  });
  const end = client.end;
  client.end = ((...args: Parameters<typeof end>) => {
    keeper.stop();
    // MQTT.js expects a stream, and there is none before the first token.
    if (isFirst) client.stream = { on() {}, removeListener() {}, destroy() {} } as never;
    return end.apply(client, args);
  }) as typeof end;

  client.options.manualConnect = false;
  keeper.start();
  return client;
}

function setToken(options: IClientOptions, token: string): void {
  if (options.protocolVersion === 5)
    // MQTT.js accepts text here too.
    options.properties = { ...options.properties, authenticationData: token as never };
  else options.password = token;
}
