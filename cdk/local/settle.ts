import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTimeToLiveCommand, DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Emulator, emulatorClientSettings } from '../../lib/local/attached/emulator.ts';
import type { AssemblyStack } from './assembly.ts';

/**
 * Sets through the services' APIs what emulators' CloudFormation silently ignores: TTL of tables
 * and dead-letter queues. Without the latter a timer that always fails would be repeated without
 * end.
 *
 * @returns one line for each change; empty if the emulator has done it.
 */
export async function settle(emulator: Emulator, { stackName, template }: AssemblyStack): Promise<string[]> {
  const ids = await physicalIds(emulator, stackName);
  const idOf = (logicalId: string): string => {
    const id = ids.get(logicalId);
    if (id === undefined) throw new Error(`stack ${stackName} has no resource ${logicalId}`);
    return id;
  };
  const dynamo = new DynamoDBClient(emulatorClientSettings(emulator));
  const sqs = new SQSClient(emulatorClientSettings(emulator));
  const done: string[] = [];
  try {
    for (const [logicalId, { Type, Properties = {} }] of Object.entries(template.Resources)) {
      const { TimeToLiveSpecification, RedrivePolicy } = Properties;
      if (Type === 'AWS::DynamoDB::Table' && isTimeToLive(TimeToLiveSpecification)) {
        const attribute = TimeToLiveSpecification.AttributeName;
        if (await setTimeToLive(dynamo, idOf(logicalId), attribute))
          done.push(`${logicalId}: time to live by ${attribute}`);
      }
      if (Type === 'AWS::SQS::Queue' && isRedrive(RedrivePolicy)) {
        const dead = idOf(RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]);
        if (await setRedrive(sqs, idOf(logicalId), dead, RedrivePolicy.maxReceiveCount))
          done.push(`${logicalId}: dead letters after ${RedrivePolicy.maxReceiveCount} attempts`);
      }
    }
    return done;
  } finally {
    dynamo.destroy();
    sqs.destroy();
  }
}

async function physicalIds(emulator: Emulator, stackName: string): Promise<Map<string, string>> {
  const client = new CloudFormationClient(emulatorClientSettings(emulator));
  try {
    const { StackResources = [] } = await client.send(
      new DescribeStackResourcesCommand({ StackName: stackName }),
    );
    return new Map(
      StackResources.flatMap(({ LogicalResourceId, PhysicalResourceId }) =>
        LogicalResourceId === undefined || PhysicalResourceId === undefined
          ? []
          : [[LogicalResourceId, PhysicalResourceId] as const],
      ),
    );
  } finally {
    client.destroy();
  }
}

async function setTimeToLive(client: DynamoDBClient, table: string, attribute: string): Promise<boolean> {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }));
  if (TimeToLiveDescription?.AttributeName === attribute) return false;
  const TimeToLiveSpecification = { AttributeName: attribute, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }));
  return true;
}

async function setRedrive(
  client: SQSClient,
  queueUrl: string,
  deadQueueUrl: string,
  maxReceiveCount: number,
): Promise<boolean> {
  const read = async (url: string, name: 'QueueArn' | 'RedrivePolicy') => {
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [name] }),
    );
    return Attributes?.[name];
  };
  const deadLetterTargetArn = await read(deadQueueUrl, 'QueueArn');
  const current = JSON.parse((await read(queueUrl, 'RedrivePolicy')) || '{}') as Record<string, unknown>;
  if (current.deadLetterTargetArn === deadLetterTargetArn) return false;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
  await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { RedrivePolicy } }));
  return true;
}

function isTimeToLive(value: unknown): value is { AttributeName: string } {
  return isRecord(value) && typeof value.AttributeName === 'string' && value.Enabled === true;
}

interface Redrive {
  readonly deadLetterTargetArn: { readonly 'Fn::GetAtt': readonly [string, 'Arn'] };
  readonly maxReceiveCount: number;
}

function isRedrive(value: unknown): value is Redrive {
  if (!isRecord(value) || typeof value.maxReceiveCount !== 'number') return false;
  const target = value.deadLetterTargetArn;
  return isRecord(target) && Array.isArray(target['Fn::GetAtt']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
