import type { Broker } from '../broker/broker.ts';
import { type HandshakeContext, handshake } from '../broker/handshake.ts';
import { defaultSettings } from '../core/settings.ts';
import { type NotingContext, noteRefusal } from '../limits/refusals.ts';
import { createObserverStore } from '../store/observers.ts';
import { createPendingIdentityStore } from '../store/pending-identities.ts';
import { createTenantStore } from '../store/tenants.ts';
import { createAuthenticatorPort } from './authenticator.ts';
import { createDynamoClient } from './dynamodb.ts';
import { allowPrivateIssuersVariable, functionEnvironment } from './environment.ts';
import { createPowertoolsLog } from './log.ts';
import { createSecretsManagerSource } from './secrets.ts';
import { createSqsClient } from './sqs.ts';
import { createTimerQueue } from './timers.ts';

/** The part of a service that `$connect` needs. */
export interface HandshakeService {
  readonly broker: Pick<Broker, 'handshake'>;
  readonly context: NotingContext;
  /** Writes metrics. Call it at the end of each invocation. */
  flush(): Promise<void>;
}

/** API Gateway passes no body of this function on to the client, so the log says what to do. */
const howToConnect = 'JavaScript connects with wisp-mqtt-client, other MQTT clients to "wisp bridge"';

/** Notes a client that does not offer the wire profile. */
export function noteWithoutProfile(context: NotingContext, connection: string): void {
  noteRefusal(context, { code: 'profile-not-offered', what: 'handshake', connection, reason: howToConnect });
}

let service: HandshakeService | undefined;

/**
 * The service of `$connect` over this function's environment, created at the first request and
 * kept. Every client waits for this function first, and it starts faster without the codec, the
 * handlers and delivery.
 */
export function handshakeService(): HandshakeService {
  service ??= fromEnvironment();
  return service;
}

function fromEnvironment(): HandshakeService {
  const { tables, timerQueueUrl } = functionEnvironment(process.env);
  const dynamo = createDynamoClient();
  const log = createPowertoolsLog();
  const context: HandshakeContext = {
    log,
    clock: { nowMs: Date.now },
    settings: defaultSettings,
    timers: createTimerQueue(createSqsClient(), timerQueueUrl, Date.now),
    pendingIdentities: createPendingIdentityStore(dynamo, tables.connections, Date.now),
    authenticator: createAuthenticatorPort(
      {
        lookup: createTenantStore(dynamo, tables.tenants, Date.now),
        observers: createObserverStore(dynamo, tables.tenants, Date.now),
      },
      Date.now,
      {
        log,
        secrets: createSecretsManagerSource(),
        allowPrivateIssuers: process.env[allowPrivateIssuersVariable] === 'true',
      },
    ),
  };
  return {
    broker: { handshake: (address, token, tenant) => handshake(context, address, token, tenant) },
    context,
    flush: async () => log.flush(),
  };
}
