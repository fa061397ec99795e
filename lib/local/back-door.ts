import { createBackDoorHandler } from '../../functions/back-door.ts';
import { localCredentials } from '../aws/settings.ts';
import type { Log } from '../core/ports.ts';
import type { Clock } from './clock.ts';
import { type FaultPlan, type Gateway, startGateway } from './gateway/index.ts';

export interface LocalBackDoorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly region: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: Parameters<typeof createBackDoorHandler>[0];
  readonly faults?: FaultPlan;
}

/**
 * The WebSocket API of back doors, with its function. Handshakes must be signed with
 * {@link localCredentials}.
 */
export function startBackDoorApi(options: LocalBackDoorOptions): Promise<Gateway> {
  const { host, port, region, clock, log, service, faults } = options;
  const handler = createBackDoorHandler(service);
  return startGateway({
    host,
    port,
    region,
    clock,
    stage: 'door',
    accessKeys: { [localCredentials.accessKeyId]: localCredentials.secretAccessKey },
    log: (line) => log.debug('back doors', line as Record<string, string>),
    invoke: async (_, event) => handler(structuredClone(event)),
    ...(faults === undefined ? {} : { faults }),
  });
}
