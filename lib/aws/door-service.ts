import { doorClosed } from '../broker/edge-death.ts';
import type { Log } from '../core/ports.ts';
import { defaultSettings } from '../core/settings.ts';
import { createEdgeStore } from '../store/edges.ts';
import { createDynamoClient } from './dynamodb.ts';
import { functionEnvironment } from './environment.ts';
import { createPowertoolsLog } from './log.ts';
import { createSqsClient } from './sqs.ts';
import { createTimerQueue } from './timers.ts';

/** The part of a service that the function of back doors needs. */
export interface DoorService {
  /** The back door with this connection id has closed. */
  doorClosed(connectionId: string): Promise<void>;
  /** Writes metrics. Call it at the end of each invocation. */
  flush(): Promise<void>;
}

let service: DoorService | undefined;

/** The service of back doors over this function's environment, created at the first request. */
export function doorService(): DoorService {
  service ??= fromEnvironment();
  return service;
}

function fromEnvironment(): DoorService {
  const { tables, timerQueueUrl } = functionEnvironment(process.env);
  const log: Log & { flush(): void } = createPowertoolsLog();
  const context = {
    clock: { nowMs: Date.now },
    settings: defaultSettings,
    edges: createEdgeStore(createDynamoClient(), tables.connections, Date.now),
    timers: createTimerQueue(createSqsClient(), timerQueueUrl, Date.now),
  };
  return {
    doorClosed: (connectionId) => doorClosed(context, connectionId),
    flush: async () => log.flush(),
  };
}
