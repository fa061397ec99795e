import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Terminal } from '../../lib/cli/terminal.ts';
import { type Engine, openEngine } from '../../lib/local/dynamodb/index.ts';
import { tableSchemas } from '../../lib/store/schema.ts';

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

/** Records what a command prints. */
export function recordingTerminal(): Terminal & { readonly stdout: string[]; readonly stderr: string[] } {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return { stdout, stderr, out: (line) => void stdout.push(line), err: (line) => void stderr.push(line) };
}
