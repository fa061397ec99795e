import { expect, it } from 'vitest';
import { presets } from '../../cdk/settings.ts';
import { withRules } from './rule-settings.ts';
import { Synthesised } from './synthesise.ts';

interface Statement {
  readonly Action: string | readonly string[];
}

const xrayActions = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];

function tracingOf(settings: ConstructorParameters<typeof Synthesised>[0]) {
  const { template } = new Synthesised(settings);
  const functions = Object.values(template.findResources('AWS::Lambda::Function')).filter(
    ({ Properties }) => Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME !== undefined,
  );
  const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement as Statement[],
  );
  return {
    functions: functions.length,
    traced: functions.filter(({ Properties }) => Properties.TracingConfig?.Mode === 'Active').length,
    grants: statements.filter(({ Action }) => JSON.stringify(Action).includes('xray:')),
  };
}

it('every function sends traces with -c xray=on, and may do nothing else at X-Ray', () => {
  const { functions, traced, grants } = tracingOf({ ...withRules, tracing: true });
  expect(functions).toBeGreaterThan(8);
  expect(traced).toBe(functions);
  expect(grants).toHaveLength(functions);
  // CDK merges statements about all resources.
  for (const { Action } of grants)
    expect(
      [Action]
        .flat()
        .filter((action) => action.startsWith('xray:'))
        .toSorted(),
    ).toEqual(xrayActions);
});

it('nothing of X-Ray is there without it', () => {
  expect(tracingOf(presets.prod)).toMatchObject({ traced: 0, grants: [] });
});
