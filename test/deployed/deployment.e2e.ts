import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTimeToLiveCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, inject, test } from 'vitest';
import { adminApi, resolveTarget } from '../../lib/cli/target.ts';
import { emulatorClientSettings } from '../../lib/local/attached/emulator.ts';
import { tableSchemas } from '../../lib/store/schema.ts';

const { deployment, options } = inject('deployed');

describe.runIf(deployment !== undefined)('a stack that was created and then updated', () => {
  const { endpoint, region, stackName, tenantBeforeUpdate } = deployment ?? {
    endpoint: '',
    region: '',
    stackName: '',
    tenantBeforeUpdate: '',
  };
  const client = emulatorClientSettings({ endpoint, region, kind: 'other' });

  async function resources(type: string): Promise<{ id: string; physicalId: string }[]> {
    const cloudFormation = new CloudFormationClient(client);
    const { StackResources = [] } = await cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: stackName }),
    );
    cloudFormation.destroy();
    return StackResources.filter(({ ResourceType }) => ResourceType === type).map(
      ({ LogicalResourceId = '', PhysicalResourceId = '' }) => ({
        id: LogicalResourceId,
        physicalId: PhysicalResourceId,
      }),
    );
  }

  test('keeps the content of its tables', async () => {
    const { admin } = await resolveTarget(options).connect();
    expect((await admin.show(tenantBeforeUpdate))?.status).toBe('active');
  });

  test('answers on its admin API', async () => {
    const target = resolveTarget(options);
    const api = adminApi(target, await target.connect());
    expect(await api.call('GET', `/${tenantBeforeUpdate}`)).toMatchObject({ status: 'active' });
  });

  test('has the SNS topic that the update adds', async () => {
    expect(await resources('AWS::SNS::Topic')).toHaveLength(1);
  });

  test('has TTL enabled on its tables', async () => {
    const dynamo = new DynamoDBClient(client);
    const tables = await resources('AWS::DynamoDB::Table');
    expect(tables).toHaveLength(Object.keys(tableSchemas).length);
    const attributes = await Promise.all(
      tables.map(async ({ physicalId }) => {
        const output = await dynamo.send(new DescribeTimeToLiveCommand({ TableName: physicalId }));
        return output.TimeToLiveDescription?.AttributeName;
      }),
    );
    const expected = Object.values(tableSchemas).map(({ timeToLive }) => timeToLive);
    expect(attributes.toSorted()).toEqual(expected.toSorted());
    dynamo.destroy();
  });

  test('moves messages of each queue to a dead-letter queue after its number of receives', async () => {
    const sqs = new SQSClient(client);
    const policies = await Promise.all(
      (await resources('AWS::SQS::Queue')).map(async ({ physicalId }) => {
        const output = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl: physicalId, AttributeNames: ['RedrivePolicy'] }),
        );
        return JSON.parse(output.Attributes?.RedrivePolicy ?? '{}') as { maxReceiveCount?: number | string };
      }),
    );
    const receives = policies.map(({ maxReceiveCount }) => Number(maxReceiveCount ?? 0));
    // Four dead-letter queues; timers and looks, slices of fan-outs, rules and the inbound queue.
    expect(receives.toSorted((one, other) => one - other)).toEqual([0, 0, 0, 0, 5, 5, 50, 1_000, 1_000]);
    sqs.destroy();
  });
});
