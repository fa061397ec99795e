import { describe, expect, it } from 'vitest';
import { setLogRoleSource } from '../../cdk/constructs/set-log-role.ts';
import { presets } from '../../cdk/settings.ts';
import { standing } from '../../cdk/standing.ts';
import { type Resource, Synthesised } from './synthesise.ts';

const prod = new Synthesised({ ...presets.prod, alarmEmail: 'ops@example.com' });
const all = prod.template.toJSON().Resources as Record<string, Resource>;

describe('the topic of alarms', () => {
  it('lets CloudWatch publish for this account, and every alarm has such a topic', () => {
    const policies = Object.values(prod.resources('AWS::SNS::TopicPolicy'));
    const alarms = Object.values(prod.resources('AWS::CloudWatch::Alarm'));
    const targets = alarms.flatMap(({ Properties }) => [
      ...Properties.AlarmActions,
      ...(Properties.OKActions ?? []),
    ]);
    expect(targets.length).toBeGreaterThan(10);
    for (const target of targets) {
      const policy = policies.find(({ Properties }) =>
        JSON.stringify(Properties.Topics).includes(JSON.stringify(target)),
      );
      const allowed = policy?.Properties.PolicyDocument.Statement.filter(
        ({ Effect }: { Effect: string }) => Effect === 'Allow',
      );
      expect(allowed).toMatchObject([
        {
          Action: 'sns:Publish',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Resource: target,
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ]);
    }
  });
});

describe('the alarms', () => {
  const alarms = Object.values(prod.resources('AWS::CloudWatch::Alarm'));
  const metricsOf = ({ Properties }: Resource): unknown[] =>
    (Properties.Metrics ?? [{ MetricStat: {} }]).filter(
      ({ MetricStat }: { MetricStat?: object }) => MetricStat !== undefined,
    );

  it('do not alarm where there is no data, and count metrics that have none', () => {
    for (const { Properties } of alarms) expect(Properties.TreatMissingData).toBe('notBreaching');
    expect(JSON.stringify(alarms)).not.toContain('FILL');
  });

  it('read as few metrics as their price in the settings says', () => {
    expect(alarms.flatMap(metricsOf)).toHaveLength(29);
  });

  it('count 429 in both access logs, and are silent about it without these logs', () => {
    const filters = Object.values(prod.resources('AWS::Logs::MetricFilter'));
    expect(filters.map(({ Properties }) => Properties.FilterPattern)).toEqual([
      '{ $.status = "429" }',
      '{ $.status = "429" }',
    ]);
    const without = new Synthesised({ ...presets.prod, accessLog: false });
    expect(without.resources('AWS::Logs::MetricFilter')).toEqual({});
  });
});

describe('routes and integrations', () => {
  const parts = Object.entries(all).filter(([, { Type }]) =>
    /^AWS::ApiGatewayV2::(Route|Integration|RouteResponse)$/.test(Type),
  );

  /** What waits for a part, directly or not. */
  const ancestors = (id: string): Set<string> => {
    const direct = all[id]?.DependsOn ?? [];
    return new Set(direct.flatMap((one) => [one, ...ancestors(one)]));
  };

  it('are created one after another in each API', () => {
    expect(parts.length).toBeGreaterThanOrEqual(13);
    for (const [one, { Properties }] of parts)
      for (const [other, { Properties: others }] of parts) {
        if (one === other || JSON.stringify(Properties.ApiId) !== JSON.stringify(others.ApiId)) continue;
        const ordered = ancestors(one).has(other) || ancestors(other).has(one);
        expect(ordered, `${one}, ${other}`).toBe(true);
      }
  });
});

describe('a first deployment that fails', () => {
  it('leaves no table and no log group behind, while a later deletion does', () => {
    const kept = Object.values(all).filter(({ Type }) => /::(Table|LogGroup)$/.test(Type));
    const policies = new Set(kept.map(({ DeletionPolicy }) => DeletionPolicy));
    // The log of the function that sets the log role goes with the stack.
    expect([...policies].sort()).toEqual(['Delete', 'RetainExceptOnCreate']);
    for (const table of Object.values(prod.resources('AWS::DynamoDB::Table')))
      expect(table).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  });

  it('can be rolled back, because nothing is protected before the stack stands', () => {
    const first = new Synthesised({ ...presets.prod, protect: false });
    for (const table of Object.values(first.resources('AWS::DynamoDB::Table')))
      expect(table.Properties.DeletionProtectionEnabled).toBe(false);
    for (const table of Object.values(prod.resources('AWS::DynamoDB::Table')))
      expect(table.Properties.DeletionProtectionEnabled).toBe(true);
  });

  it.each([
    ['REVIEW_IN_PROGRESS', false],
    ['CREATE_IN_PROGRESS', false],
    ['CREATE_FAILED', false],
    ['ROLLBACK_COMPLETE', false],
    ['DELETE_FAILED', false],
    ['CREATE_COMPLETE', true],
    ['UPDATE_COMPLETE', true],
    ['UPDATE_ROLLBACK_COMPLETE', true],
    ['IMPORT_COMPLETE', true],
  ])('a stack in state %s stands: %s', (status, stands) => {
    expect(standing(status)).toBe(stands);
  });
});

describe('the access logs', () => {
  const formats = Object.values(prod.resources('AWS::ApiGatewayV2::Stage')).map(
    ({ Properties }): string => Properties.AccessLogSettings.Format,
  );

  it('are JSON whatever API Gateway puts in', () => {
    expect(formats).toHaveLength(2);
    for (const format of formats) {
      // A value that AWS quotes (messageString) would end the text that the format begins.
      const line = format.replace(/\$context\.[\w.]+/g, (name) =>
        /String$/.test(name) ? '"Forbidden"' : '-',
      );
      expect(JSON.parse(line)).toMatchObject({ error: '-', status: '-' });
      expect(format).toContain('"error":"$context.error.message"');
    }
  });
});

describe("API Gateway's log role", () => {
  it('is set by a function that may do nothing else', () => {
    const policy = prod.one('AWS::IAM::Policy', 'GatewayLogRoleSetting').Properties.PolicyDocument;
    const role = Object.keys(prod.resources('AWS::IAM::Role')).find((id) =>
      /^GatewayLogRole(?!Setting)/.test(id),
    );
    const granted = policy.Statement.filter(
      ({ Action }: { Action: string[] | string }) => !String(Action).startsWith('logs:'),
    );
    expect(granted).toMatchObject([
      { Action: ['apigateway:GET', 'apigateway:PATCH'] },
      {
        Action: 'iam:PassRole',
        Resource: { 'Fn::GetAtt': [role, 'Arn'] },
        Condition: { StringEquals: { 'iam:PassedToService': 'apigateway.amazonaws.com' } },
      },
    ]);
    expect(JSON.stringify(granted[0].Resource)).toMatch(/:apigateway:".*"::\/account"/);
    expect(setLogRoleSource.length).toBeLessThan(4_096);
  });

  interface Answer {
    readonly Status: string;
    readonly Reason?: string;
    readonly Data?: { readonly RoleArn: string };
  }

  /** Runs the function's source with an account that has `present` as its role. */
  async function run(present: string | undefined, RequestType: string, failure?: Error) {
    const updates: unknown[] = [];
    const answers: Answer[] = [];
    class GetAccountCommand {}
    class UpdateAccountCommand {
      readonly input: unknown;
      constructor(input: unknown) {
        this.input = input;
      }
    }
    class APIGatewayClient {
      async send(command: object) {
        if (failure !== undefined) throw failure;
        if (command instanceof GetAccountCommand) return { cloudwatchRoleArn: present };
        updates.push((command as UpdateAccountCommand).input);
        return {};
      }
    }
    const module = { exports: {} as { handler?: (event: object) => Promise<void> } };
    const modules = { APIGatewayClient, GetAccountCommand, UpdateAccountCommand };
    const put = async (_url: string, { body }: { body: string }) => answers.push(JSON.parse(body));
    new Function('require', 'exports', 'fetch', 'console', setLogRoleSource)(
      () => modules,
      module.exports,
      put,
      { error: () => undefined },
    );
    await module.exports.handler?.({
      RequestType,
      ResourceProperties: { RoleArn: 'ours' },
      ResponseURL: 'x',
    });
    return { updates, answers };
  }

  it('is set where the account has none', async () => {
    const { updates, answers } = await run(undefined, 'Create');
    expect(updates).toEqual([
      { patchOperations: [{ op: 'replace', path: '/cloudwatchRoleArn', value: 'ours' }] },
    ]);
    expect(answers).toMatchObject([{ Status: 'SUCCESS', Data: { RoleArn: 'ours' } }]);
  });

  it('stays as it is where the account has one, and when the stack goes', async () => {
    for (const type of ['Create', 'Update', 'Delete']) {
      const { updates, answers } = await run('theirs', type);
      expect(updates).toEqual([]);
      expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
    }
  });

  it('is reported to CloudFormation where it cannot be read', async () => {
    const { answers } = await run(undefined, 'Create', new Error('not allowed'));
    expect(answers).toMatchObject([{ Status: 'FAILED', Reason: 'API Gateway log role: not allowed' }]);
  });
});
