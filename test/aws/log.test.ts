import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { metrics, metricsNamespace } from '../../lib/core/metrics.ts';

const module = fileURLToPath(new URL('../../lib/aws/log.ts', import.meta.url));

/** Lines that a process writes, as Lambda passes them to CloudWatch. */
async function written(code: string): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `import { createPowertoolsLog } from ${JSON.stringify(module)}; ${code}`,
    ],
    { env: { ...process.env, POWERTOOLS_SERVICE_NAME: 'WispDev', LOG_LEVEL: 'INFO' } },
  );
  return (stdout + stderr)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('an invocation leaves its counters as one line in embedded metric format, and nothing where it counted nothing', async () => {
  const name = metrics.messagesReceived;
  const lines = await written(`
    const log = createPowertoolsLog();
    log.flush();
    log.count('${name}', 2); log.count('${name}'); log.count('Zero', 0);
    log.flush();
    log.count('${name}');
    log.flush();`);
  expect(lines).toMatchObject([
    {
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: metricsNamespace,
            Dimensions: [['service']],
            Metrics: [{ Name: name, Unit: 'Count' }],
          },
        ],
      },
      service: 'WispDev',
      [name]: [2, 1],
    },
    { service: 'WispDev', [name]: 1 },
  ]);
  expect(JSON.stringify(lines)).not.toContain('Zero');
});

test('refusals of an invocation are one line for each code, which is their dimension', async () => {
  const lines = await written(`
    const log = createPowertoolsLog();
    log.count('${metrics.connectsRefused}', 3);
    log.countRefusal('token-expired'); log.countRefusal('publish-not-authorized'); log.countRefusal('token-expired', 2);
    log.flush();
    log.flush();`);
  const shape = { Namespace: metricsNamespace, Dimensions: [['service', 'code']] };
  expect(lines).toMatchObject([
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] }, [metrics.connectsRefused]: 3 },
    { _aws: { CloudWatchMetrics: [shape] }, service: 'WispDev', code: 'token-expired', Refusals: 3 },
    { _aws: { CloudWatchMetrics: [shape] }, service: 'WispDev', code: 'publish-not-authorized', Refusals: 1 },
  ]);
  expect(lines[0]).not.toHaveProperty('code');
});

test('logs are one line of JSON each, from the level that is set', async () => {
  const lines = await written(`
    const log = createPowertoolsLog();
    log.debug('left out');
    log.warn('told', { code: 'x' });`);
  expect(lines).toMatchObject([{ level: 'WARN', message: 'told', code: 'x', service: 'WispDev' }]);
});
