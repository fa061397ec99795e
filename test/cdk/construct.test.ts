import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildCdk } from '../../build/cdk.ts';
import { Wisp, type WispProps } from '../../cdk/index.ts';
import { functionNames, presets } from '../../cdk/settings.ts';
import { Synthesised } from './synthesise.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const load = createRequire(import.meta.url);
const run = promisify(execFile);

describe('the construct in a stack of another app', () => {
  function synthesise(props?: WispProps, use?: (wisp: Wisp, stack: Stack) => void): Template {
    const app = new App({ analyticsReporting: false, context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new Stack(app, 'Devices');
    const wisp = new Wisp(stack, 'Wisp', props);
    use?.(wisp, stack);
    return Template.fromStack(stack);
  }

  const typesOf = (template: Template): string[] =>
    Object.values(template.toJSON().Resources as Record<string, { Type: string }>)
      .map(({ Type }) => Type)
      .sort();

  it('has the resources and outputs of the stack', () => {
    const template = synthesise({ preset: 'dev' });
    const { template: stack } = new Synthesised(presets.dev);
    expect(typesOf(template)).toEqual(typesOf(stack));
    expect(Object.keys(template.toJSON().Outputs).sort()).toEqual(Object.keys(stack.toJSON().Outputs).sort());
  });

  it('has the preset "prod", named like the stack, unless the properties change it', () => {
    const named = (template: Template) =>
      Object.values(template.findResources('AWS::ApiGatewayV2::Api')).map(
        ({ Properties }) => Properties.Name,
      );
    const unchanged = synthesise();
    unchanged.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: true });
    expect(named(unchanged)).toContain('Devices');
    const changed = synthesise({ retainData: false, deploymentName: 'mine' });
    changed.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
    expect(named(changed)).toContain('mine');
  });

  it('grants the admin API, and nothing else', () => {
    const template = synthesise({ preset: 'dev' }, (wisp, stack) => {
      wisp.grantAdmin(new Role(stack, 'Operator', { assumedBy: new AccountPrincipal('123456789012') }));
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Operator') }],
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'execute-api:Invoke',
            Resource: { 'Fn::Join': ['', Match.arrayWith(['/*/*/admin/*'])] },
          },
        ],
      },
    });
  });
});

describe('the installed package', () => {
  let directory: string;
  let outputDirectory: string;
  const inApp = (...path: string[]): string => join(directory, ...path);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wisp-cdk-app-'));
    outputDirectory = await mkdtemp(join(tmpdir(), 'wisp-cdk-out-'));
    await cp(join(root, 'examples/cdk-app'), directory, { recursive: true });
    await mkdir(inApp('node_modules/wisp-mqtt'), { recursive: true });
    await cp(join(root, 'package.json'), inApp('node_modules/wisp-mqtt/package.json'));
    for (const name of ['aws-cdk-lib', 'constructs'])
      await symlink(join(root, 'node_modules', name), inApp('node_modules', name));
    await buildCdk(inApp('node_modules/wisp-mqtt/dist/cdk'));
  }, 120_000);
  afterAll(() => Promise.all([directory, outputDirectory].map((path) => rm(path, { recursive: true }))));

  it('synthesises examples/cdk-app without a bundler', async () => {
    await run(process.execPath, ['app.js'], {
      cwd: directory,
      env: { PATH: '', CDK_OUTDIR: outputDirectory },
    });
    const template = JSON.parse(await readFile(join(outputDirectory, 'Devices.template.json'), 'utf8'));
    expect(Object.keys(template.Outputs)).toEqual(expect.arrayContaining(['WebSocketUrl', 'Broker']));
    const assets = (await readdir(outputDirectory)).filter((name) => name.startsWith('asset.'));
    expect(assets).toHaveLength(functionNames.length);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    for (const asset of assets)
      expect(typeof load(join(outputDirectory, asset, 'index.js')).handler).toBe('function');
    vi.unstubAllEnvs();
  }, 180_000);

  it('brings the bundle of the edge', async () => {
    await writeFile(
      inApp('edge.js'),
      `import { App, CfnOutput, Stack } from 'aws-cdk-lib';
       import { fleetDefaults, Wisp } from 'wisp-mqtt/cdk';
       const stack = new Stack(new App(), 'Edge');
       const fleet = { ...fleetDefaults, ports: [1883] };
       const { edgeHost } = new Wisp(stack, 'Wisp', { preset: 'dev', edge: { fleet } });
       new CfnOutput(stack, 'Host', { value: edgeHost });`,
    );
    const output = join(outputDirectory, 'edge');
    await run(process.execPath, ['edge.js'], { cwd: directory, env: { PATH: '', CDK_OUTDIR: output } });
    const assets = (await readdir(output)).filter((name) => name.startsWith('asset.'));
    expect(assets).toHaveLength(functionNames.length + 2);
    const [bundle = ''] = assets.filter((name) => name.endsWith('.mjs'));
    const source = inApp('node_modules/wisp-mqtt/dist/cdk/edge/edge.mjs');
    expect(await readFile(join(output, bundle), 'utf8')).toBe(await readFile(source, 'utf8'));
  }, 180_000);

  it('declares its types for strict TypeScript', async () => {
    await writeFile(
      inApp('typed.ts'),
      `import { App, Stack } from 'aws-cdk-lib';
       import { fleetDefaults, Wisp, type WispProps } from 'wisp-mqtt/cdk';
       const edge = { fleet: { ...fleetDefaults, certificateArn: 'arn:aws:acm:…' } };
       const props: WispProps = { preset: 'dev', accountRequestsPerSecond: 2_500, edge };
       const url: string = new Wisp(new Stack(new App(), 'Stack'), 'Wisp', props).webSocketUrl;
       // @ts-expect-error: no such preset
       const unknown: WispProps = { preset: 'test' };
       export { unknown, url };`,
    );
    const compiler = join(dirname(load.resolve('typescript/package.json')), 'bin/tsc');
    const options = ['--noEmit', '--strict', '--lib', 'ESNext', '--module', 'NodeNext'];
    await run(process.execPath, [compiler, ...options, 'typed.ts'], { cwd: directory }).catch(
      ({ stdout }: { stdout: string }) => expect.fail(stdout),
    );
  }, 180_000);
});
