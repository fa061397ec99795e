import type { IPublishPacket, MqttClient } from 'mqtt';
import { connect, type GetToken } from '../../client/connect-node.ts';
import { UserError } from '../../local/operator/user-error.ts';
import { reasonText } from '../../mqtt/reason-codes.ts';

export interface SubscribeOptions {
  /** WebSocket API of the deployment. */
  readonly url: string;
  readonly tenant: string;
  readonly getToken: GetToken;
  readonly filters: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly protocolVersion: 4 | 5;
  /** Empty: the service assigns one, or takes that of the token. */
  readonly clientId: string;
  /** Whether messages that are retained already come too. */
  readonly retained: boolean;
  /** 5.0: whether RETAIN of live messages is as published. Default: it is not set. */
  readonly retainAsPublished?: boolean;
  onMessage(message: IPublishPacket): void;
  /** Called once, when all filters are granted. Its failure ends {@link Subscribed.failed}. */
  onGranted?(): Promise<void>;
  /** What happens to the connection, in one line. */
  onState(line: string): void;
}

/** A running subscription. */
export interface Subscribed {
  /** Rejects with a UserError when going on is of no use: refused, or never reached. */
  readonly failed: Promise<never>;
  /** Ends the connection properly. */
  end(): Promise<void>;
}

const keepAliveSeconds = 120;
/** Do not send retained messages (MQTT 5.0, section 3.8.3.1). */
const withoutRetained = 2;
/** Codes of CONNACK, 3.1.1 and 5.0, with which another attempt is of no use. */
const refusals: ReadonlySet<unknown> = new Set([1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c]);
/** From here on a code of SUBACK is a refusal. */
const firstRefusal = 0x80;

/**
 * Subscribes with a clean session and keeps the subscription over losses of the connection.
 * Messages that are published while there is no connection are missed.
 */
export function subscribe(options: SubscribeOptions): Subscribed {
  const { url, tenant, getToken, filters, qos, clientId, protocolVersion, retained } = options;
  const { retainAsPublished = false, onMessage } = options;
  const client = connect(url, {
    tenant,
    protocolVersion,
    clientId,
    clean: true,
    keepalive: keepAliveSeconds,
    getToken,
  });
  let wasConnected = false;
  let isFirst = true;
  let wasGranted = false;
  let toldReason: string | undefined;
  const failed = new Promise<never>((_, reject) => {
    const fail = (code: 'sub-refused' | 'sub-unreachable', message: string) =>
      reject(new UserError(code, message));
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack' || packet.cmd === 'disconnect')
        toldReason = packet.properties?.reasonString;
      if (packet.cmd !== 'suback') return;
      const refused = filters.flatMap((filter, index) => {
        const code = Number(packet.granted[index]);
        return code < firstRefusal ? [] : [`${filter} (${reasonText('suback', code) ?? code})`];
      });
      if (refused.length === 0) {
        if (!wasGranted) void options.onGranted?.().catch(reject);
        wasGranted = true;
        return;
      }
      const { reasonString } = packet.properties ?? {};
      const why = reasonString === undefined ? '' : `: ${reasonString}`;
      fail('sub-refused', `the service refuses to subscribe to ${refused.join(', ')}${why}`);
    });
    client.on('error', (error: Error & { code?: unknown }) => {
      if (error instanceof UserError) reject(error);
      else if (refusals.has(error.code))
        fail(
          'sub-refused',
          `the service refuses the connection: ${toldReason ?? error.message}; "wisp token check" says more about a token`,
        );
      else if (!wasConnected) fail('sub-unreachable', `no connection to ${url}: ${error.message}`);
    });
  });
  client.on('connect', () => {
    options.onState(wasConnected ? 'Connected again.' : 'Connected.');
    wasConnected = true;
    if (!isFirst) return;
    isFirst = false;
    const wish = {
      qos,
      ...(retained ? {} : { rh: withoutRetained }),
      ...(retainAsPublished ? { rap: true } : {}),
    } as const;
    // Its callback would tell the refusal without the words of the service.
    client.subscribe(Object.fromEntries(filters.map((filter) => [filter, wish])), () => undefined);
  });
  client.on('close', () => {
    if (!wasConnected || client.disconnecting || client.connected) return;
    options.onState(
      `Connection lost${toldReason === undefined ? '' : ` (${toldReason})`}; connecting again …`,
    );
    toldReason = undefined;
  });
  client.on('message', (_topic, _payload, packet) => {
    if (retained || retainAsPublished || !packet.retain) onMessage(packet);
  });
  return { failed, end: () => ended(client) };
}

async function ended(client: MqttClient): Promise<void> {
  await client.endAsync(!client.connected);
}
