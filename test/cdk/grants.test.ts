import { describe, expect, it } from 'vitest';
import { capitalised } from '../../cdk/constructs/tables.ts';
import { type FunctionName, functionNames, presets } from '../../cdk/settings.ts';
import { Synthesised } from './synthesise.ts';

const stack = new Synthesised();

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

const list = <Value>(value: Value | Value[]): Value[] => (Array.isArray(value) ? value : [value]);

function statements(name: FunctionName): Statement[] {
  return stack.one('AWS::IAM::Policy', `${capitalised(name)}RoleDefaultPolicy`).Properties.PolicyDocument
    .Statement;
}

/** `Sessions` → actions, without the service prefix. */
function tableActions(name: FunctionName): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { Action, Resource } of statements(name)) {
    const actions = list(Action).filter((action) => action.startsWith('dynamodb:'));
    if (actions.length === 0) continue;
    for (const resource of list(Resource)) {
      if (JSON.stringify(resource).includes('/index/')) continue;
      const logicalId = (resource as { 'Fn::GetAtt': string[] })['Fn::GetAtt'][0] ?? '';
      const table = /^Tables([A-Z][a-z]+)[0-9A-F]{8}$/.exec(logicalId)?.[1] ?? logicalId;
      found[table] = [
        ...(found[table] ?? []),
        ...actions.map((action) => action.slice('dynamodb:'.length)),
      ].sort();
    }
  }
  return found;
}

const actionsOn = (name: FunctionName, service: string): string[] =>
  statements(name)
    .flatMap((statement) => list(statement.Action))
    .filter((action) => action.startsWith(`${service}:`));

const sessionActions = [
  'BatchGetItem',
  'BatchWriteItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'UpdateItem',
];

const subscriptionActions = ['DeleteItem', 'GetItem', 'PutItem', 'Query'];

describe('every function', () => {
  it.each(functionNames)('%s is granted no wildcard action, no scan and no transaction', (name) => {
    for (const { Effect, Action } of statements(name)) {
      expect(Effect).toBe('Allow');
      for (const action of list(Action)) expect(action).not.toMatch(/\*|Scan|Transact|PartiQL/);
    }
  });

  it.each(functionNames)(
    '%s is granted nothing on all resources, and wildcards only for connection ids and names of secrets',
    (name) => {
      for (const { Resource } of statements(name)) {
        for (const resource of list(Resource)) {
          const text = JSON.stringify(resource);
          if (text.includes('*'))
            expect(text).toMatch(/"\/mqtt\/(POST|GET|DELETE)\/@connections\/\*"|":secret:wisp\/\*"/);
        }
      }
    },
  );

  it.each(functionNames)('%s writes logs to its own group and has no managed policy', (name) => {
    const role = stack.one('AWS::IAM::Role', `${capitalised(name)}Role`).Properties;
    expect(role.ManagedPolicyArns).toBeUndefined();
    const logs = statements(name).filter((statement) => list(statement.Action)[0]?.startsWith('logs:'));
    const group = stack.one('AWS::Logs::LogGroup', `${capitalised(name)}Logs`);
    expect(logs.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [['logs:CreateLogStream', 'logs:PutLogEvents'], { 'Fn::GetAtt': [group.id, 'Arn'] }],
    ]);
  });

  it.each(functionNames)('%s has a role of its own', (name) => {
    const role = stack.one('AWS::IAM::Role', `${capitalised(name)}Role`);
    const policy = stack.one('AWS::IAM::Policy', `${capitalised(name)}RoleDefaultPolicy`);
    expect(policy.Properties.Roles).toEqual([{ Ref: role.id }]);
    expect(stack.one('AWS::Lambda::Function', capitalised(name)).Properties.Role).toEqual({
      'Fn::GetAtt': [role.id, 'Arn'],
    });
  });
});

describe('tables', () => {
  it('connect reads tenants and writes the connection', () => {
    expect(tableActions('connect')).toEqual({ Tenants: ['GetItem'], Connections: ['PutItem'] });
  });

  it('message opens sessions, subscribes and publishes', () => {
    expect(tableActions('message')).toEqual({
      Connections: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
      Sessions: sessionActions,
      Subscriptions: ['BatchWriteItem', ...subscriptionActions],
      Messages: ['BatchGetItem', 'PutItem', 'Query'],
      Retained: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query'],
      Tenants: ['BatchGetItem', 'GetItem', 'Query', 'UpdateItem'],
      Usage: ['GetItem', 'UpdateItem'],
    });
  });

  it('disconnect ends sessions and publishes Wills, and opens nothing', () => {
    expect(tableActions('disconnect')).toEqual({
      Connections: ['DeleteItem', 'GetItem'],
      Sessions: sessionActions,
      Subscriptions: subscriptionActions,
      Messages: ['BatchGetItem', 'PutItem'],
      Retained: ['DeleteItem', 'PutItem'],
      Tenants: ['GetItem', 'UpdateItem'],
      Usage: ['UpdateItem'],
    });
  });

  it('fanout does that too, and notes its progress', () => {
    expect(tableActions('fanout')).toEqual({
      ...tableActions('disconnect'),
      Messages: ['BatchGetItem', 'GetItem', 'PutItem'],
    });
  });

  it('timer does that too, and erases what a deleted tenant had', () => {
    expect(tableActions('timer')).toEqual({
      Connections: ['BatchGetItem', 'DeleteItem', 'GetItem'],
      Sessions: sessionActions,
      Subscriptions: ['BatchWriteItem', ...subscriptionActions],
      Messages: ['BatchGetItem', 'BatchWriteItem', 'PutItem', 'Query'],
      Retained: ['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'PutItem', 'Query'],
      Tenants: ['BatchWriteItem', 'DeleteItem', 'GetItem', 'Query', 'UpdateItem'],
      Usage: ['BatchWriteItem', 'Query', 'UpdateItem'],
    });
  });

  it('admin alone makes tenants; it subscribes nobody', () => {
    expect(tableActions('admin')).toMatchObject({
      Subscriptions: ['BatchGetItem', ...subscriptionActions],
      Tenants: ['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
    });
    for (const name of functionNames.filter((other) => other !== 'admin'))
      expect(tableActions(name).Tenants).not.toContain('PutItem');
  });

  it.each(functionNames)('%s queries the indexes that it needs, by name', (name) => {
    const found = statements(name)
      .filter((it) => JSON.stringify(it.Resource).includes('/index/'))
      .flatMap(({ Action, Resource }) => {
        expect(Action).toBe('dynamodb:Query');
        return [...JSON.stringify(Resource).matchAll(/index\/\w+/g)].map(([index]) => index);
      });
    const expected: Partial<Record<FunctionName, string[]>> = {
      message: ['index/byTenant'],
      timer: ['index/byTenant'],
      admin: ['index/byTenant', 'index/byPart'],
    };
    expect(found).toEqual(expected[name] ?? []);
  });
});

const managing = functionNames.filter((name) => name !== 'connect');

describe('connections', () => {
  it.each(managing)('%s manages those of this stage alone', (name) => {
    const api = stack.one('AWS::ApiGatewayV2::Api', 'Gateway');
    const granted = statements(name).filter((it) => it.Action === 'execute-api:ManageConnections');
    const resources = granted.flatMap((statement) => list(statement.Resource));
    expect(resources).toEqual(
      expect.arrayContaining(
        ['POST', 'GET', 'DELETE'].map((method) => ({
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':execute-api:',
              { Ref: 'AWS::Region' },
              ':',
              { Ref: 'AWS::AccountId' },
              ':',
              { Ref: api.id },
              `/mqtt/${method}/@connections/*`,
            ],
          ],
        })),
      ),
    );
    expect(resources).toHaveLength(3);
  });

  it('connect manages none: a post during the handshake fails', () => {
    expect(actionsOn('connect', 'execute-api')).toEqual([]);
  });
});

/** Actions of a function on one queue. */
const actionsOnQueue = (name: FunctionName, queue: string): string[] => {
  const { id } = stack.one('AWS::SQS::Queue', queue);
  return statements(name)
    .filter(({ Resource }) =>
      list(Resource).some(
        (resource) => JSON.stringify(resource) === JSON.stringify({ 'Fn::GetAtt': [id, 'Arn'] }),
      ),
    )
    .flatMap(({ Action }) => list(Action));
};
const taking = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ReceiveMessage',
];

describe('queues', () => {
  it.each(functionNames)('%s sets timers; the timer function alone takes them', (name) => {
    const expected = name === 'timer' ? [...taking, 'sqs:SendMessage'] : ['sqs:SendMessage'];
    expect(actionsOnQueue(name, 'TimersQueue').sort()).toEqual(expected);
  });

  it.each(functionNames)('%s schedules looks if it has connections to look at', (name) => {
    const sends = name === 'timer' || name === 'message' ? ['sqs:SendMessage'] : [];
    expect(actionsOnQueue(name, 'TimersLooks').sort()).toEqual(
      name === 'timer' ? [...taking, ...sends] : sends,
    );
  });

  it.each(functionNames)(
    '%s hands out slices if it publishes; the fan-out function alone takes them',
    (name) => {
      const sends = name === 'connect' ? [] : ['sqs:SendMessage'];
      expect(actionsOnQueue(name, 'SlicesQueue').sort()).toEqual(
        name === 'fanout' ? [...taking, ...sends] : sends,
      );
    },
  );

  it.each(functionNames)('%s does nothing with any other queue', (name) => {
    const granted = statements(name).flatMap(({ Action, Resource }) =>
      list(Action).flatMap((action) => (action.startsWith('sqs:') ? list(Resource) : [])),
    );
    expect(granted).toHaveLength(
      ['TimersQueue', 'TimersLooks', 'SlicesQueue'].flatMap((queue) => actionsOnQueue(name, queue)).length,
    );
  });

  it('are sent over TLS only', () => {
    const policies = Object.values(stack.resources('AWS::SQS::QueuePolicy'));
    expect(policies).toHaveLength(5);
    for (const { Properties } of policies) {
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
    }
  });
});

describe('secrets of issuers', () => {
  const verifying: readonly FunctionName[] = ['connect', 'message', 'admin', 'publish'];

  it.each(functionNames)('%s reads those under wisp/ if it verifies tokens, and no others', (name) => {
    const granted = statements(name).filter((it) =>
      list(it.Action).some((a) => a.startsWith('secretsmanager:')),
    );
    if (!verifying.includes(name)) {
      expect(granted).toEqual([]);
      return;
    }
    expect(granted).toHaveLength(1);
    expect(granted[0]?.Action).toBe('secretsmanager:GetSecretValue');
    expect(JSON.stringify(granted[0]?.Resource)).toMatch(/:secret:wisp\/\*"/);
  });
});

it('usage as metrics of tenants is a matter of the functions that write usage', () => {
  const asked = new Synthesised({ ...presets.prod, tenantMetrics: true });
  for (const name of functionNames) {
    const variablesOf = (of: Synthesised) =>
      of.one('AWS::Lambda::Function', capitalised(name)).Properties.Environment.Variables;
    expect(variablesOf(asked).TENANT_METRICS).toBe(name === 'connect' ? undefined : 'true');
    expect(variablesOf(stack)).not.toHaveProperty('TENANT_METRICS');
  }
});

describe('the event bus', () => {
  it.each(functionNames)('%s knows none unless one is named', (name) => {
    expect(actionsOn(name, 'events')).toEqual([]);
  });

  it('receives events from every function that may end connections', () => {
    const told = new Synthesised({ ...presets.prod, eventBusName: 'devices' });
    for (const name of functionNames) {
      const policy = told.one('AWS::IAM::Policy', `${capitalised(name)}RoleDefaultPolicy`);
      const granted = (policy.Properties.PolicyDocument.Statement as Statement[]).filter(
        ({ Action }) => Action === 'events:PutEvents',
      );
      const { Variables } = told.one('AWS::Lambda::Function', capitalised(name)).Properties.Environment;
      if (name === 'connect') {
        expect(granted).toEqual([]);
        expect(Variables).not.toHaveProperty('EVENT_BUS_NAME');
        continue;
      }
      expect(granted).toHaveLength(1);
      expect(JSON.stringify(granted[0]?.Resource)).toMatch(/:event-bus\/devices"/);
      expect(Variables.EVENT_BUS_NAME).toBe('devices');
    }
  });
});
