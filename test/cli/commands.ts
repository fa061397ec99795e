import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { type Identity, isAuthError, KeyFetchError, verifyToken } from '../../lib/auth/index.ts';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { type Replacements, run } from '../../lib/cli/program.ts';
import { writeLocalState } from '../../lib/local/operator/local-state.ts';
import { createTenantStore } from '../../lib/store/tenants.ts';
import {
  recordingTerminal,
  type Service,
  startService,
  temporaryDirectory,
  tenantsTable,
} from './service.ts';

export let service: Service;
export let home: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

beforeEach(async () => {
  home = await temporaryDirectory();
  vi.stubEnv('WISP_HOME', home.path);
  for (const name of ['WISP_STACK', 'WISP_TENANTS_TABLE', 'WISP_ENDPOINT', 'WISP_LOCAL_PORT', 'npm_command'])
    vi.stubEnv(name, undefined);
  await writeLocalState(home.path, {
    formatVersion: 1,
    pid: process.pid,
    endpoint: service.endpoint,
    tables: { tenants: tenantsTable },
    webSocketUrl: 'ws://127.0.0.1:8080/mqtt',
    mqttPort: 1883,
  });
});
afterEach(async () => {
  const admin = store();
  for (const { name } of (await admin.list(undefined, 100)).tenants) await admin.delete(name);
  vi.unstubAllEnvs();
  await home.remove();
});

/** Tests fetch no keys from elsewhere. */
const unreachable = () => Promise.reject(new KeyFetchError('keys-host'));

/** A new store each time, because a store caches configurations for some seconds. */
export function store(): ReturnType<typeof createTenantStore> {
  const { endpoint } = service;
  const client = createDynamoClient({ endpoint, region: 'local', credentials: localCredentials });
  return createTenantStore(client, tenantsTable, Date.now);
}

export const wisp = (...args: string[]) => wispWith({}, ...args);

export async function wispWith(replacements: Replacements, ...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(args, terminal, { fetchKeys: unreachable, ...replacements });
  return { exitCode, stdout: terminal.stdout.join('\n'), stderr: terminal.stderr.join('\n') };
}

export async function verified(
  token: string,
  nowSeconds = Math.floor(Date.now() / 1_000),
): Promise<Identity> {
  const result = await verifyToken({ token, lookup: store(), nowSeconds });
  if (isAuthError(result)) throw new Error(result.code);
  return result;
}

export const keyOf = (tenant: string) => join(home.path, 'keys', `${tenant}.jwk`);
