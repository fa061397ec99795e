import { createAuthenticatorPort } from '../lib/aws/authenticator.ts';
import { createDynamoClient } from '../lib/aws/dynamodb.ts';
import { allowPrivateIssuersVariable, functionEnvironment } from '../lib/aws/environment.ts';
import { createPowertoolsLog } from '../lib/aws/log.ts';
import { createSecretsManagerSource } from '../lib/aws/secrets.ts';
import { createSqsClient } from '../lib/aws/sqs.ts';
import { createTimerQueue } from '../lib/aws/timers.ts';
import type { Broker } from '../lib/broker/broker.ts';
import { type HandshakeContext, handshake } from '../lib/broker/handshake.ts';
import { defaultSettings } from '../lib/core/settings.ts';
import { createPendingIdentityStore } from '../lib/store/pending-identities.ts';
import { createTenantStore } from '../lib/store/tenants.ts';

/** What `$connect` needs; every other service has it too. */
export interface HandshakeService {
  readonly broker: Pick<Broker, 'handshake'>;
  /** Writes metrics; called at the end of each invocation. */
  flush(): Promise<void>;
}

let service: HandshakeService | undefined;

/**
 * The part of the service that handshakes need, over this function's environment, made at the first request and kept. Every
 * client waits for this function first, and without the codec, the broker's handlers and delivery it starts sooner.
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
    authenticator: createAuthenticatorPort(createTenantStore(dynamo, tables.tenants, Date.now), Date.now, {
      log,
      secrets: createSecretsManagerSource(),
      allowPrivateIssuers: process.env[allowPrivateIssuersVariable] === 'true',
    }),
  };
  return {
    broker: { handshake: (address, token, tenant) => handshake(context, address, token, tenant) },
    flush: async () => log.flush(),
  };
}
