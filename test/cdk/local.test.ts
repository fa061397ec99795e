import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adaptAssembly } from '../../cdk/local/assembly.ts';
import { type Template, templateFor } from '../../cdk/local/template.ts';
import { presets } from '../../cdk/settings.ts';
import { WispStack } from '../../cdk/stack.ts';
import { findEmulator } from '../../lib/local/attached/emulator.ts';
import { UserError } from '../../lib/local/operator/user-error.ts';

const template: Template = {
  Resources: {
    Answer: { Type: 'AWS::ApiGatewayV2::RouteResponse', Properties: { RouteResponseKey: '$default' } },
    Sum: { Type: 'AWS::CloudWatch::Alarm', Properties: { Metrics: [] } },
    Plain: { Type: 'AWS::CloudWatch::Alarm', Properties: { MetricName: 'Errors' }, DependsOn: 'Answer' },
    Jobs: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true }, DependsOn: ['Plain', 'Answer'] },
    Named: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true, QueueName: 'mine.fifo' } },
    Timers: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 180 } },
  },
};

describe('the template for MiniStack', () => {
  const { template: edited, notes } = templateFor('ministack', template);

  test('lacks what would roll the stack back, and every reference to it', () => {
    expect(Object.keys(edited.Resources)).toEqual(['Plain', 'Jobs', 'Named', 'Timers']);
    expect(edited.Resources.Plain).not.toHaveProperty('DependsOn');
    expect(edited.Resources.Jobs?.DependsOn).toEqual(['Plain']);
  });

  test('names FIFO queues so that they are ones, and leaves the others alone', () => {
    expect(edited.Resources.Jobs?.Properties).toEqual({ FifoQueue: true, QueueName: 'Jobs.fifo' });
    expect(edited.Resources.Named).toEqual(template.Resources.Named);
    expect(edited.Resources.Timers).toEqual(template.Resources.Timers);
  });

  test('comes with a line for each change', () => {
    expect(notes.map((note) => note.split(' ')[0])).toEqual(['Answer', 'Sum', 'Jobs']);
  });
});

test.each(['localstack', 'other'] as const)('the template for %s is the one that AWS gets', (kind) => {
  expect(templateFor(kind, template)).toEqual({ template, notes: [] });
});

describe('the adapted assembly of the whole stack', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wisp-test-assembly-'));
    const app = new App({ outdir: directory, context: { 'aws:cdk:bundling-stacks': [] } });
    new WispStack(app, 'Wisp', presets.dev);
    app.synth();
  }, 120_000);
  afterAll(() => rm(directory, { recursive: true }));

  test('carries the edited template under a hash of its own', async () => {
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    const [assetsBefore, original] = [await read('Wisp.assets.json'), await read('Wisp.template.json')];
    const { stackName, template: adapted } = await adaptAssembly(directory, 'ministack');
    expect(stackName).toBe('WispDev');
    expect(JSON.parse(await read('Wisp.template.json'))).toEqual(adapted);
    expect(original).toContain('AWS::ApiGatewayV2::RouteResponse');
    expect(JSON.stringify(adapted)).not.toContain('AWS::ApiGatewayV2::RouteResponse');

    const hashOf = (text: string) =>
      Object.entries(
        (JSON.parse(text) as { files: Record<string, { source: { path: string } }> }).files,
      ).find(([, { source }]) => source.path === 'Wisp.template.json')?.[0];
    const [before, after] = [hashOf(assetsBefore), hashOf(await read('Wisp.assets.json'))];
    expect(after).toMatch(/^[0-9a-f]{64}$/);
    expect(after).not.toBe(before);
    expect(await read('manifest.json')).toContain(`/${after}.json`);
    expect(await read('manifest.json')).not.toContain(String(before));
  });
});

describe('the emulator', () => {
  async function serve(healthPath: string) {
    const server = createServer((request, response) => {
      response.writeHead(request.url === healthPath ? 200 : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { port, close: () => new Promise((resolve) => server.close(resolve)) };
  }

  test.each([
    ['ministack', '/_ministack/health'],
    ['localstack', '/_localstack/health'],
    ['other', '/health'],
  ])('%s is known by %s', async (kind, path) => {
    const { port, close } = await serve(path);
    const found = await findEmulator({
      AWS_ENDPOINT_URL: `http://localhost:${port}`,
      AWS_REGION: 'eu-west-1',
    });
    expect(found).toEqual({ kind, endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1' });
    await close();
  });

  test('that does not answer is reported in one line', async () => {
    const { port, close } = await serve('/');
    await close();
    const AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
    const error = await findEmulator({ AWS_ENDPOINT_URL }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(
      `nothing answers at ${AWS_ENDPOINT_URL} (ECONNREFUSED); start an emulator (docs/localstack.md) or set AWS_ENDPOINT_URL`,
    );
  });

  test.each([
    ['https://dynamodb.eu-west-1.amazonaws.com', /AWS itself/],
    ['https://sqs.us-east-1.api.aws', /AWS itself/],
    ['4566', /not of the form/],
    ['ftp://127.0.0.1', /not of the form/],
    ['http://127.0.0.1:4566/path', /not of the form/],
  ])('is not %s', async (AWS_ENDPOINT_URL, message) => {
    await expect(findEmulator({ AWS_ENDPOINT_URL })).rejects.toThrow(message);
  });
});
