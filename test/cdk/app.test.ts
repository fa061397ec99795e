import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateArn, certificateSecretArn } from './edge-settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wisp-test-app-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs the app as the CDK command does, without bundling. */
async function synthesise(context: Record<string, string>, environment: Record<string, string> = {}) {
  const { context: flags } = JSON.parse(await readFile(join(root, 'cdk.json'), 'utf8')) as {
    context: object;
  };
  const { CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION, ...inherited } = process.env;
  const settings = { ...flags, 'aws:cdk:bundling-stacks': [], ...context };
  const env = {
    ...inherited,
    CDK_OUTDIR: directory,
    CDK_CONTEXT_JSON: JSON.stringify(settings),
    ...environment,
  };
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', 'cdk/app.ts'], { cwd: root, env });
  return run.then(
    ({ stderr }) => ({ status: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ status: code, stderr }),
  );
}

describe('the app', () => {
  it('tags everything that takes tags with the application and the deployment', async () => {
    expect(await synthesise({ stage: 'dev', stackName: 'Mine' })).toMatchObject({ status: 0 });
    const { Resources } = JSON.parse(await readFile(join(directory, 'Wisp.template.json'), 'utf8')) as {
      Resources: Record<string, { Type: string; Properties: { Tags?: unknown } }>;
    };
    const taggable = /::(Table|Function|Queue|LogGroup|Role|Api|Stage|Alarm)$/;
    const resources = Object.values(Resources).filter(({ Type }) => taggable.test(Type));
    expect(resources.length).toBeGreaterThan(30);
    for (const { Type, Properties } of resources) {
      const tags = JSON.stringify(Properties.Tags);
      expect(tags, Type).toMatch(/"application".*"wisp"/);
      expect(tags, Type).toMatch(/"deployment".*"Mine"/);
    }
  });

  it('makes an edge without a warning', async () => {
    const { status, stderr } = await synthesise({
      stage: 'prod',
      edge: 'on',
      edgeCertificateSecret: certificateSecretArn,
    });
    expect(stderr).not.toMatch(/AwsSolutions|error|warning/i);
    expect(status).toBe(0);
  });

  it.each([
    ['a domain without a certificate', { domainName: 'mqtt.example.com' }, 'certificateArn is missing: '],
    [
      'a certificate of another region',
      { domainName: 'mqtt.example.com', certificateArn },
      'certificateArn: the certificate is in eu-west-1, the stack in us-east-1; ',
    ],
  ])('refuses %s in one line', async (_, context, message) => {
    const environment = { CDK_DEFAULT_ACCOUNT: '123456789012', CDK_DEFAULT_REGION: 'us-east-1' };
    const { status, stderr } = await synthesise(context, environment);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^wisp: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});
