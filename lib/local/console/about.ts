import type { Settings } from '../../core/settings.ts';

/** What the page needs to know about the service that it shows. */
export interface AboutService {
  /** "this machine", "stack Wisp" */
  readonly label: string;
  readonly isLocal: boolean;
  readonly adminUrl: string;
  /** URL of the WebSocket API, where it is known. */
  readonly mqttUrl?: string;
  readonly publishUrl?: string;
  /** Those of the service; of a deployment they are the defaults of this release. */
  readonly settings: Settings;
}

/** Settings that clients notice: most are announced in CONNACK. */
export function limitsOf(settings: Settings): object {
  const {
    maxPacketBytes,
    receiveMaximum,
    topicAliasMaximum,
    maxKeepAliveSeconds,
    maxSessionExpirySeconds,
    v3SessionExpirySeconds,
    connectsPerMinutePerClient,
    maxQueuedMessages,
    maxSubscriptionsPerClient,
    maxFiltersPerPacket,
    maxClientIdBytes,
    maxShapes,
    shapesPerClient,
    maxRulesPerMessage,
    authenticationDeadlineSeconds,
  } = settings;
  return {
    maxPacketBytes,
    receiveMaximum,
    topicAliasMaximum,
    maxKeepAliveSeconds,
    maxSessionExpirySeconds,
    v3SessionExpirySeconds,
    connectsPerMinutePerClient,
    maxQueuedMessages,
    maxSubscriptionsPerClient,
    maxFiltersPerPacket,
    maxClientIdBytes,
    maxShapes,
    shapesPerClient,
    maxRulesPerMessage,
    authenticationDeadlineSeconds,
  };
}

/** Origins that the page's scripts talk to. */
export function originsOf({ mqttUrl, publishUrl }: AboutService): string[] {
  return [mqttUrl, publishUrl].flatMap((url) => {
    if (url === undefined) return [];
    const { protocol, host } = new URL(url);
    return [`${protocol}//${host}`];
  });
}
