import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { type Engine, openEngine } from '../../lib/local/dynamodb/index.ts';
import { writeLocalState } from '../../lib/local/operator/local-state.ts';
import { localTables } from '../../lib/local/service.ts';
import { tableNames, tableSchemas } from '../../lib/store/schema.ts';
import type { TestService } from '../support/service.ts';

export const tenantsTable = 'wisp-test-tenants';

export interface Service {
  readonly engine: Engine;
  readonly endpoint: string;
  close(): Promise<void>;
}

/** A DynamoDB endpoint with a Tenants table, which is all that tenant administration needs. */
export async function startService(): Promise<Service> {
  const engine = await openEngine();
  await engine.createTables({ tenants: tableSchemas.tenants }, { tenants: tenantsTable });
  const listener = await engine.listen();
  return { engine, endpoint: listener.url, close: () => engine.close() };
}

export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'wisp-cli-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Lets commands find `service` as the local one of the user whose home is `directory`. */
export async function announce(service: TestService, directory: string): Promise<void> {
  await writeLocalState(directory, {
    formatVersion: 1,
    pid: process.pid,
    endpoint: await service.exposeTables(),
    tables: localTables as { tenants: string },
    webSocketUrl: service.url,
    adminUrl: service.adminUrl,
  });
}

/** Commands look for services below `directory` only. */
export function useHome(directory: string): void {
  vi.stubEnv('WISP_HOME', directory);
  for (const name of ['WISP_STACK', 'WISP_TENANTS_TABLE', 'WISP_ENDPOINT', 'WISP_LOCAL_PORT'])
    vi.stubEnv(name, undefined);
}

/** Records what a command prints. */
export function recordingTerminal(): Terminal & { readonly stdout: string[]; readonly stderr: string[] } {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return { stdout, stderr, out: (line) => void stdout.push(line), err: (line) => void stderr.push(line) };
}

/** The outputs of a stack with edges. */
export function outputsOf({ gateway, backDoor }: TestService): Record<string, string> {
  const queueUrl = (name: string) => `https://sqs.us-east-1.amazonaws.com/000000000000/${name}`;
  return {
    ...Object.fromEntries(
      tableNames.map((kind) => [
        `${kind.charAt(0).toUpperCase()}${kind.slice(1)}TableName`,
        localTables[kind],
      ]),
    ),
    TimerQueueUrl: queueUrl('wisp-timers'),
    LookQueueUrl: queueUrl('wisp-looks'),
    FanoutQueueUrl: queueUrl('wisp-fanout.fifo'),
    CallbackEndpoint: gateway.callbackUrl,
    BackDoorUrl: backDoor?.url ?? '',
    BackDoorEndpoint: backDoor?.gateway.callbackUrl ?? '',
    EventBusName: 'devices',
  };
}
