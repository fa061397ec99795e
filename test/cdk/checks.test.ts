import { readFileSync } from 'node:fs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { fleetDefaults } from '../../cdk/edge-settings.ts';
import { ruleDefaults } from '../../cdk/rule-settings.ts';
import { presets, type StageSettings } from '../../cdk/settings.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { certificateArn, withEdge } from './edge-settings.ts';
import { withRules } from './rule-settings.ts';
import { makeStack, Synthesised } from './synthesise.ts';

const everything: StageSettings = {
  ...presets.prod,
  alarmEmail: 'ops@example.com',
  domain: {
    name: 'mqtt.example.com',
    certificateArn,
    hostedZone: { id: 'Z0123456789', name: 'example.com' },
  },
  edge: withEdge.edge,
  rules: withRules.rules,
  inbound: true,
  tracing: true,
};

/** TLS at the load balancer, in a network of one's own. */
const otherEdge: StageSettings = {
  ...presets.dev,
  edge: {
    fleet: {
      ...fleetDefaults,
      ports: [8883, 443, 1883],
      certificateArn,
      vpc: { id: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'], isPrivate: true },
    },
  },
};

describe('cdk-nag (AWS Solutions)', () => {
  it.each([
    ['dev', presets.dev],
    ['prod', presets.prod],
    ['everything', everything],
    ['another edge', otherEdge],
    ['rules', { ...presets.dev, rules: ruleDefaults }],
    ['an edge elsewhere', { ...presets.prod, edge: {} }],
  ])('finds nothing that is not acknowledged: %s', (_name, settings) => {
    const stack = makeStack(settings);
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([]);
  });
});

describe('alarms', () => {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const alarms = Object.values(new Synthesised(everything).resources('AWS::CloudWatch::Alarm'));
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name ?? '');
  const named = alarms.map(
    ({ Properties }) => /section (\w+)\.$/.exec(Properties.AlarmDescription)?.[1] ?? 'no section',
  );

  it('each have a section in the runbook, and each section an alarm', () => {
    expect(named.length).toBeGreaterThan(0);
    expect(sections.sort()).toEqual(named.sort());
  });

  it.each(named)('%s is explained: what it means, how to look, what to do', (name) => {
    const section = runbook.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
    for (const part of ['**Means:**', '**Look:**', '**Do:**']) expect(section).toContain(part);
  });

  it('are sent to the address of the settings', () => {
    const stack = new Synthesised(everything);
    expect(stack.one('AWS::SNS::Subscription').Properties).toMatchObject({
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    });
    const topic = stack.one('AWS::SNS::Topic').id;
    for (const alarm of alarms) expect(alarm.Properties.AlarmActions).toEqual([{ Ref: topic }]);
    expect(new Synthesised(presets.prod).resources('AWS::SNS::Topic')).toEqual({});
  });
});

describe('the dashboard', () => {
  it('shows what the functions count, of this deployment alone', () => {
    const stack = new Synthesised({ ...presets.prod, stackName: 'Mine' });
    const body = JSON.stringify(stack.one('AWS::CloudWatch::Dashboard').Properties.DashboardBody);
    const shown = [...body.matchAll(/\\+"Wisp\\+",\\+"(\w+)\\+",\\+"service\\+",\\+"(\w+)\\+"/g)];
    expect(shown.length).toBeGreaterThan(10);
    const names: readonly string[] = Object.values(metrics);
    for (const [, name, deployment] of shown) {
      expect(names).toContain(name);
      expect(deployment).toBe('Mine');
    }
    const { Variables } = stack.one('AWS::Lambda::Function', 'Message').Properties.Environment;
    expect(Variables.POWERTOOLS_SERVICE_NAME).toBe('Mine');
  });
});
