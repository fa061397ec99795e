import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSettings, refuseUnknownSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/read-values.ts';
import { presets, type StageSettings } from '../../cdk/settings.ts';
import { Synthesised } from './synthesise.ts';

const read = (values: Record<string, unknown> = {}, region?: string) =>
  readSettings((name) => ({ stage: 'prod', ...values })[name], region);

const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012';
const domainName = 'mqtt.example.com';

describe('readSettings', () => {
  it('uses the disposable preset unless production is asked for', () => {
    expect(readSettings(() => undefined)).toEqual(presets.dev);
    expect(read({ stage: 'prod' })).toEqual(presets.prod);
    expect(read({ stage: 'dev' })).toEqual(presets.dev);
  });

  it('changes single settings of a preset', () => {
    expect(
      read({ stage: 'dev', stackName: 'Mine', alarmEmail: 'me@example.com', apiGatewayLogRole: 'existing' }),
    ).toEqual({
      ...presets.dev,
      stackName: 'Mine',
      alarmEmail: 'me@example.com',
      apiGatewayLogRole: 'existing',
    });
  });

  it('changes throttles, memory, logs and concurrency without editing source', () => {
    const changed = read({
      routeShares: 'default:0.5, connect:0.01',
      memoryMegabytes: 'message:2048',
      logLevel: 'WARN',
      logRetentionDays: '30',
      timerMaxConcurrency: '20',
      fanoutMaxConcurrency: 40,
    });
    const { routeShares, memoryMegabytes } = presets.prod;
    expect(changed).toEqual({
      ...presets.prod,
      routeShares: { ...routeShares, $default: 0.5, $connect: 0.01 },
      memoryMegabytes: { ...memoryMegabytes, message: 2_048 },
      logLevel: 'WARN',
      logRetentionDays: 30,
      timerMaxConcurrency: 20,
      fanoutMaxConcurrency: 40,
    });
  });

  it.each([
    ['alarmEMail', 'did you mean alarmEmail?'],
    ['alarm-email', 'did you mean alarmEmail?'],
    ['acessLog', 'did you mean accessLog?'],
    ['accountConcurency', 'did you mean accountConcurrency?'],
    ['memory', 'docs/deploying.md lists all'],
  ])('refuses the setting %s, which does not exist', (name, message) => {
    const refused = () =>
      refuseUnknownSettings(['stage', 'aws:cdk:bundling-stacks', '@aws-cdk/core:x', name]);
    expect(refused).toThrow(SettingsError);
    expect(refused).toThrow(message);
  });

  it('leaves context values of the CDK and all settings alone', () => {
    const own = [
      '@aws-cdk/aws-iam:minimizePolicies',
      'aws:cdk:enable-path-metadata',
      'acknowledged-issue-numbers',
    ];
    expect(() => refuseUnknownSettings([...own, 'stage', 'protect', 'routeShares'])).not.toThrow();
  });

  it('has an event bus only if one is named', () => {
    expect(read()).not.toHaveProperty('eventBusName');
    expect(read({ eventBusName: 'default' }).eventBusName).toBe('default');
  });

  it('lets pages of every origin publish unless it names some', () => {
    expect(read().publishOrigins).toEqual(['*']);
    expect(read({ publishOrigins: 'none' }).publishOrigins).toEqual([]);
    const origins = ['https://app.example.com', 'https://b.example'];
    expect(read({ publishOrigins: origins.join() }).publishOrigins).toEqual(origins);
    expect(() => read({ publishOrigins: 'app.example.com' })).toThrow(/^publishOrigins: .*none/);
  });

  it('writes usage of tenants as metrics only on request', () => {
    for (const preset of [presets.dev, presets.prod]) expect(preset.tenantMetrics).toBe(false);
    for (const tenantMetrics of ['true', true]) expect(read({ tenantMetrics }).tenantMetrics).toBe(true);
    for (const tenantMetrics of ['false', false]) expect(read({ tenantMetrics }).tenantMetrics).toBe(false);
  });

  it('logs every access in prod and, unless asked for, not in dev', () => {
    const logged = (settings: ReturnType<typeof read>) =>
      Object.values(new Synthesised(settings).resources('AWS::ApiGatewayV2::Stage')).filter(
        ({ Properties }) => Properties.AccessLogSettings !== undefined,
      ).length;
    expect(logged(presets.prod)).toBe(2);
    expect(logged(presets.dev)).toBe(0);
    expect(read({ accessLog: 'false' }).accessLog).toBe(false);
    expect(read({ stage: 'dev', accessLog: 'true' }).accessLog).toBe(true);
  });

  it('has alarms in prod and, unless asked for, none in dev', () => {
    const alarmsOf = (settings: ReturnType<typeof read>) =>
      Object.keys(new Synthesised(settings).resources('AWS::CloudWatch::Alarm')).length;
    expect(alarmsOf(presets.prod)).toBeGreaterThan(0);
    expect(alarmsOf(presets.dev)).toBe(0);
    expect(alarmsOf({ ...presets.dev, ...read({ alarms: 'true' }) })).toBe(alarmsOf(presets.prod));
    expect(read({ alarms: 'false' }).alarms).toBe(false);
    // 429 is counted in access logs, which dev has none of.
    expect(alarmsOf({ ...presets.dev, alarmEmail: 'ops@example.com' })).toBe(alarmsOf(presets.prod) - 1);
  });

  it('accepts a domain with its certificate, and a zone', () => {
    expect(read({ domainName, certificateArn }, 'eu-west-1').domain).toEqual({
      name: domainName,
      certificateArn,
    });
    expect(
      read({ domainName, certificateArn, hostedZoneId: 'Z1', hostedZoneName: 'example.com' }).domain,
    ).toMatchObject({ hostedZone: { id: 'Z1', name: 'example.com' } });
  });

  it.each([
    ['an unknown stage', { stage: 'test' }, 'stage: one of dev, prod'],
    ['an unknown log role', { apiGatewayLogRole: 'yes' }, 'apiGatewayLogRole: one of auto, create, existing'],
    ['a route that does not exist', { routeShares: 'defalt:0.5' }, 'routeShares: PART:NUMBER,…'],
    ['more than all requests', { routeShares: 'default:2' }, 'routeShares: PART:NUMBER,… with 0.001 to 1'],
    ['a table of no kind', { tables: 'session:Wisp-1' }, 'tables: KIND:NAME,… with any of'],
    ['a table without a name', { tables: 'sessions' }, 'tables: KIND:NAME,…'],
    ['too little memory', { memoryMegabytes: 'message:64' }, 'memoryMegabytes: PART:NUMBER,… with 128'],
    ['days that CloudWatch lacks', { logRetentionDays: '10' }, 'logRetentionDays: one of 1, 3, 5'],
    ['too little concurrency', { timerMaxConcurrency: '1' }, 'timerMaxConcurrency: a whole number from 4'],
    ['a switch half on', { tenantMetrics: 'yes' }, 'tenantMetrics: one of true, false'],
    ['a number', { stackName: 7 }, 'stackName: a text is expected'],
    ['a bad stack name', { stackName: '7up' }, 'stackName: letters'],
    ['a bad address', { alarmEmail: 'nobody' }, 'alarmEmail: not an e-mail address'],
    ['an ARN as event bus', { eventBusName: 'arn:aws:events:x:1:event-bus/a' }, 'eventBusName: 1 to 256'],
    ['a domain without certificate', { domainName }, 'certificateArn is missing'],
    ['a certificate without domain', { certificateArn }, 'domainName is missing'],
    ['a quota of nothing', { accountConcurrency: '0' }, 'accountConcurrency: a whole number from 1'],
    ['a quota in words', { accountRequestsPerSecond: 'many' }, 'accountRequestsPerSecond: a whole number'],
    ['a URL as domain', { domainName: 'https://a.example', certificateArn }, 'domainName: a host name'],
    ['an IP address as domain', { domainName: '10.0.0.1', certificateArn }, 'domainName: a host name'],
    ['something else as certificate', { domainName, certificateArn: 'cert' }, 'certificateArn: not the ARN'],
    ['half a zone', { domainName, certificateArn, hostedZoneId: 'Z1' }, 'hostedZoneId and hostedZoneName'],
    [
      'a zone beside the domain',
      { domainName, certificateArn, hostedZoneId: 'Z1', hostedZoneName: 'ample.com' },
      'hostedZoneName: domainName does not lie',
    ],
  ])('refuses %s in one line', (_what, values, message) => {
    expect(() => read(values)).toThrow(SettingsError);
    expect(() => read(values)).toThrow(message);
    expect(() => read(values)).toThrow(/^[^\n]+$/);
  });

  it('refuses a certificate of another region where the region is known', () => {
    expect(() => read({ domainName, certificateArn }, 'us-east-1')).toThrow(
      'the certificate is in eu-west-1, the stack in us-east-1',
    );
  });
});

it('every setting of the command line is in docs/deploying.md, with the defaults of the presets', () => {
  const page = readFileSync(new URL('../../docs/deploying.md', import.meta.url), 'utf8');
  const asked = new Set<string>();
  readSettings((name) => {
    asked.add(name);
    return undefined;
  });
  const [settings = ''] = page.split('## Shares of the account');
  const tables = settings.split('\n').filter((line) => line.startsWith('| '));
  const named = tables.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(named.filter((name) => name !== 'CloudWatch').toSorted()).toEqual([...asked].toSorted());
  const rowOf = ({ routeShares, logRetentionDays, logLevel }: StageSettings) => [
    `${logRetentionDays} days, ${logLevel}`,
    Object.values(routeShares)
      .map((share) => `${share * 100} %`)
      .join(', '),
  ];
  for (const preset of [presets.dev, presets.prod])
    for (const cell of rowOf(preset)) expect(page).toContain(cell);
  const atOnce = [presets.dev, presets.prod].map(
    ({ timerMaxConcurrency, fanoutMaxConcurrency }) => `${timerMaxConcurrency}, ${fanoutMaxConcurrency} |`,
  );
  expect(page).toContain(`| ${atOnce.join(' ')}`);
  expect(page).toContain(`none | ${presets.prod.pointInTimeRecoveryDays} days |`);
});
