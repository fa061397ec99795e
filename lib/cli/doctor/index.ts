import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTenantWithKey } from '../../local/operator/create-tenant-with-key.ts';
import { keyPath, readSigningKey } from '../../local/operator/key-file.ts';
import { mintToken } from '../../local/operator/mint-token.ts';
import { adminApi, type Connection, resolveTarget, type TargetOptions } from '../target.ts';
import { checkAccount } from './account-checks.ts';
import { examine, type Finding } from './finding.ts';
import { checkMessages } from './message-checks.ts';

export interface DoctorOptions extends TargetOptions {
  /** WebSocket URL, where the deployment does not tell a usable one: emulators. */
  readonly url?: string;
}

/** Longest wait until timers have erased the tenant of the checks. */
const erasureMs = 60_000;

/**
 * Checks a deployment by using it: with a tenant of its own, `doctor-…`, which it deletes at the
 * end. If the process dies in between, the tenant stays: `wisp tenant list` shows it.
 *
 * @throws UserError if there is no such deployment.
 */
export async function* diagnose(options: DoctorOptions): AsyncGenerator<Finding> {
  const target = resolveTarget(options);
  const connection = await target.connect();
  const url = options.url ?? connection.webSocketUrl;
  yield {
    check: 'outputs',
    ...(url === undefined
      ? { status: 'failed', detail: 'no URL for clients', advice: 'Give it with --url ws://…' }
      : { status: 'ok', detail: url }),
  };
  if (!target.isLocal) yield* await checkAccount(options);

  const tenant = `doctor-${randomBytes(4).toString('hex')}`;
  const scratch = await mkdtemp(join(tmpdir(), 'wisp-doctor-'));
  const created = await examine(
    'table of tenants',
    'Your AWS identity needs dynamodb:PutItem on it',
    async () => {
      await createTenantWithKey({
        admin: connection.admin,
        name: tenant,
        keyDirectory: scratch,
        nowMs: Date.now(),
      });
      return `tenant ${tenant} created`;
    },
  );
  yield created;
  try {
    if (created.status !== 'ok') return;
    if (url !== undefined) yield* await checkMessages(url, { tenant, token: await tokenOf(tenant, scratch) });
    yield await examine(
      'admin API',
      'Your AWS identity needs execute-api:Invoke on it (docs/first-deployment.md)',
      async () => {
        await adminApi(target, connection).call('DELETE', `/${tenant}`);
        return 'answers';
      },
    );
    yield await examine(
      'timers',
      'Look at the alarms TimersBehind and TimersDead, and at the log group of the timer function',
      () => erased(connection, tenant),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function tokenOf(tenant: string, keyDirectory: string): Promise<string> {
  const key = await readSigningKey(keyPath(keyDirectory, tenant));
  if (key === undefined) throw new Error('the key that was just written is missing');
  return await mintToken({ tenant, key, ttlSeconds: 300, nowSeconds: Math.floor(Date.now() / 1_000) });
}

async function erased({ admin }: Connection, tenant: string): Promise<string> {
  for (const endMs = performance.now() + erasureMs; performance.now() < endMs; await sleep(500))
    if ((await admin.show(tenant)) === undefined) return 'a timer came due and erased the tenant';
  throw new Error(`tenant ${tenant} is not erased within ${erasureMs / 1_000} s`);
}
