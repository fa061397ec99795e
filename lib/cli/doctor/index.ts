import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTenantWithKey } from '../../local/operator/create-tenant-with-key.ts';
import { keyPath, readSigningKey } from '../../local/operator/key-file.ts';
import { mintToken } from '../../local/operator/mint-token.ts';
import { adminApi, type Connection, clientOptions, resolveTarget, type TargetOptions } from '../target.ts';
import { checkAccount } from './account-checks.ts';
import { checkAlarms } from './alarm-checks.ts';
import type { Credentials } from './client.ts';
import { checkFanout, fanoutQuotas } from './fanout-check.ts';
import { examine, type Finding } from './finding.ts';
import { checkIssuers } from './issuer-checks.ts';
import type { MeasurementResult } from './measure/index.ts';
import { checkMessages } from './message-checks.ts';
import { checkRules } from './rule-checks.ts';

export interface DoctorOptions extends TargetOptions {
  /** WebSocket URL, where the deployment does not tell a usable one: emulators. */
  readonly url?: string;
  /** Publishes one message to the topic of the alarms. */
  readonly testAlarm?: boolean;
  /** Receives each measurement; without it nothing is measured. */
  readonly onMeasured?: (name: string, result: MeasurementResult) => void;
  /** Longest time for one measurement, in seconds. Default 60. */
  readonly measureWaitSeconds?: number;
}

/** Longest wait until timers have erased the tenant of the checks; AWS takes less than a minute. */
const erasureMs = 240_000;

/** Without measurements a token lives for five minutes. */
const tokenSeconds = 300;

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
  if (!target.isLocal) {
    yield* await checkAccount(options);
    yield* await checkAlarms(connection.alarmTopicArn, clientOptions(options), options.testAlarm ?? false);
  }

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
        quotas: fanoutQuotas,
      });
      return `tenant ${tenant} created`;
    },
  );
  yield created;
  try {
    if (created.status !== 'ok') return;
    yield* checkIssuers(connection.admin, target.isLocal);
    const { admin, api, ruleTargets: targets } = connection;
    if (api !== undefined) yield* checkRules({ admin, api, targets });
    if (url !== undefined) {
      const ttlSeconds = tokenSeconds + (options.onMeasured ? 2 * (options.measureWaitSeconds ?? 60) : 0);
      const credentials = { tenant, token: await tokenOf(tenant, scratch, ttlSeconds) };
      const messages = await checkMessages(url, credentials);
      yield* messages;
      if (messages.every(({ status }) => status === 'ok')) {
        yield await checkFanout(url, credentials);
        yield* measured(options, connection, url, credentials);
      }
    }
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

async function* measured(
  options: DoctorOptions,
  { api }: Connection,
  url: string,
  credentials: Credentials,
): AsyncGenerator<Finding> {
  const { onMeasured, endpoint, stack, measureWaitSeconds = 60 } = options;
  if (onMeasured === undefined) return;
  if (api === undefined) {
    yield { check: 'measurements', status: 'failed', detail: 'no admin API', advice: 'Use --stack' };
    return;
  }
  const [{ createSubject, measure }, { createSigner }] = await Promise.all([
    import('./measure/index.ts'),
    import('../sign.ts'),
  ]);
  const signs = stack !== undefined && endpoint === undefined;
  const subject = createSubject({
    url,
    credentials,
    api,
    ...(signs ? { sign: createSigner(url, options.region) } : {}),
  });
  try {
    for await (const [name, result] of measure(subject, measureWaitSeconds)) {
      onMeasured(name, result);
      const { failed, leftOut } = result;
      yield {
        check: `measurement ${name}`,
        status: failed === undefined ? (leftOut === undefined ? 'ok' : 'skipped') : 'failed',
        detail: failed ?? leftOut ?? 'done',
      };
    }
  } finally {
    subject.close();
  }
}

async function tokenOf(tenant: string, keyDirectory: string, ttlSeconds: number): Promise<string> {
  const key = await readSigningKey(keyPath(keyDirectory, tenant));
  if (key === undefined) throw new Error('the key that was just written is missing');
  return await mintToken({ tenant, key, ttlSeconds, nowSeconds: Math.floor(Date.now() / 1_000) });
}

async function erased({ admin }: Connection, tenant: string): Promise<string> {
  for (const endMs = performance.now() + erasureMs; performance.now() < endMs; await sleep(500))
    if ((await admin.show(tenant)) === undefined) return 'a timer came due and erased the tenant';
  throw new Error(`tenant ${tenant} is not erased within ${erasureMs / 1_000} s`);
}
