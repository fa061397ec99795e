import { presets, type StageSettings } from '../../cdk/settings.ts';

export const ruleTargetArns = [
  'arn:aws:sqs:eu-west-1:123456789012:orders',
  'arn:aws:sns:eu-west-1:123456789012:orders',
  'arn:aws:events:eu-west-1:123456789012:event-bus/shop',
  'arn:aws:kinesis:eu-west-1:123456789012:stream/orders',
  'arn:aws:firehose:eu-west-1:123456789012:deliverystream/orders',
  'arn:aws:lambda:eu-west-1:123456789012:function:orders',
  'arn:aws:dynamodb:eu-west-1:123456789012:table/orders',
  'arn:aws:iam::210987654321:role/their-orders',
] as const;

export const mskTopicArn =
  'arn:aws:kafka:eu-west-1:123456789012:topic/shop/0123abcd-0123-0123-0123-0123456789ab-1/orders';

/** What `-c stage=prod -c rules=on -c ruleTargets=… -c kafkaRules=on …` gives. */
export const withRules = {
  ...presets.prod,
  rules: {
    targetArns: ruleTargetArns,
    maxConcurrency: 100,
    kafka: {
      vpc: {
        id: 'vpc-0123456789abcdef0',
        subnetIds: ['subnet-0123456789abcdef0'],
        securityGroupIds: ['sg-0123456789abcdef0'],
      },
      mskTopicArns: [mskTopicArn],
    },
  },
} as const satisfies StageSettings;
