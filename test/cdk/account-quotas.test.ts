import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../cdk/read-settings.ts';
import { functionNames, presets, type StageSettings } from '../../cdk/settings.ts';
import { makeStack, Synthesised } from './synthesise.ts';

type RouteSettings = Record<string, { ThrottlingRateLimit: number; ThrottlingBurstLimit: number }>;

const read = (values: Record<string, unknown>, region?: string) =>
  readSettings((name) => ({ stage: 'prod', ...values })[name], region);
const stageOf = (settings: StageSettings) =>
  new Synthesised(settings).one('AWS::ApiGatewayV2::Stage', 'Gateway');

describe('the throttles of the routes', () => {
  it('are shares of the account, each route by itself', () => {
    const routes: RouteSettings = stageOf(presets.prod).Properties.RouteSettings;
    expect(routes).toEqual({
      $connect: { ThrottlingRateLimit: 400, ThrottlingBurstLimit: 200 },
      $default: { ThrottlingRateLimit: 4_000, ThrottlingBurstLimit: 2_000 },
      oneway: { ThrottlingRateLimit: 2_000, ThrottlingBurstLimit: 1_000 },
      $disconnect: { ThrottlingRateLimit: 400, ThrottlingBurstLimit: 200 },
    });
  });

  it.each(['dev', 'prod'] as const)('leave a fifth of the account to posts and other APIs in %s', (name) => {
    const { http, ...routes } = presets[name].routeShares;
    // The admin API and the two routes of publishing over HTTP.
    const all = Object.values(routes).reduce((sum, share) => sum + share, 3 * http);
    expect(all).toBeLessThanOrEqual(0.8);
  });

  it('know the quota of the region where that is known, and what the operator says of it', () => {
    const defaultRate = (settings: StageSettings) =>
      (stageOf(settings).Properties.RouteSettings as RouteSettings).$default?.ThrottlingRateLimit;
    expect(defaultRate(read({}, 'eu-central-1'))).toBe(4_000);
    expect(defaultRate(read({}, 'eu-central-2'))).toBe(1_000);
    expect(defaultRate(read({ accountRequestsPerSecond: '50000' }, 'eu-central-2'))).toBe(20_000);
  });

  it('are set once their routes exist', () => {
    const service = new Synthesised(presets.prod);
    const routes = Object.keys(service.resources('AWS::ApiGatewayV2::Route')).filter((id) =>
      id.startsWith('Gateway'),
    );
    expect(routes).toHaveLength(4);
    expect(service.one('AWS::ApiGatewayV2::Stage', 'Gateway').DependsOn).toEqual(
      expect.arrayContaining(routes),
    );
  });
});

describe('the concurrency of the functions', () => {
  const reservedIn = (settings: StageSettings): number[] =>
    Object.values(new Synthesised(settings).resources('AWS::Lambda::Function')).flatMap(
      ({ Properties }) => Properties.ReservedConcurrentExecutions ?? [],
    );
  const noteOf = (settings: StageSettings) =>
    Annotations.fromStack(makeStack(settings)).findInfo('*', Match.stringLikeRegexp('concurrency'));

  it.each([200, 1_000, 20_000])('is reserved in an account of %i, of which 100 stay free', (account) => {
    const settings = read({ accountConcurrency: account });
    const reserved = reservedIn(settings);
    expect(reserved).toHaveLength(functionNames.length);
    expect(account - reserved.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(100);
    for (const one of reserved) expect(one).toBeGreaterThanOrEqual(2);
  });

  it('bounds what the queues ask for', () => {
    const limits = (account: number) =>
      Object.values(
        new Synthesised(read({ accountConcurrency: account })).resources('AWS::Lambda::EventSourceMapping'),
      ).map(({ Properties }) => Properties.ScalingConfig.MaximumConcurrency);
    // Timers, looks at connections, slices of fan-outs.
    expect(limits(1_000).toSorted((one, other) => one - other)).toEqual([50, 50, 100]);
    expect(limits(200).toSorted((one, other) => one - other)).toEqual([6, 6, 12]);
  });

  it.each([
    ['the quota is unknown', {}],
    ['the account is new', { accountConcurrency: '10' }],
  ])('is not reserved where %s, and synthesis says so in one line', (_, values) => {
    expect(reservedIn(read(values))).toEqual([]);
    const notes = noteOf(read(values));
    expect(notes).toHaveLength(1);
    expect(notes[0]?.entry.data).toMatch(/^no concurrency is reserved: -c accountConcurrency=N [^\n]+$/);
  });

  it('is reserved in dev on request only, without a word', () => {
    expect(noteOf(presets.dev)).toEqual([]);
    expect(reservedIn(read({ stage: 'dev', accountConcurrency: '1000' }))).toEqual([]);
    const asked = read({ stage: 'dev', accountConcurrency: '1000', reserveConcurrency: 'true' });
    expect(reservedIn(asked)).toHaveLength(functionNames.length);
  });
});
