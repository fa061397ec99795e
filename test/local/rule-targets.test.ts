import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import type { RuleTarget } from '../../lib/core/rules.ts';
import { openQueueService, type QueueService } from '../../lib/local/queue/index.ts';
import { createLocalRuleSecrets } from '../../lib/local/rule-secrets.ts';
import { createLocalRuleTargets } from '../../lib/local/rule-targets.ts';
import { deliveryOf, ruleWith } from '../rules/targets/deliveries.ts';

let queues: QueueService;
beforeAll(async () => {
  queues = await openQueueService({ queues: { 'wisp-timers': {} } });
});
afterAll(() => queues.close());

const target = (name: string): RuleTarget => ({
  kind: 'sqs',
  queueArn: `arn:aws:sqs:eu-west-3:123456789012:${name}`,
});

it('a rule may send to any queue of this machine but those of the service', async () => {
  const { sqs } = createLocalRuleTargets({
    secrets: createLocalRuleSecrets(),
    nowMs: () => 0,
    requestHandler: queues.requestHandler,
  });
  const client = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: queues.requestHandler,
  });
  for (const name of ['orders', 'orders.fifo']) {
    for (const id of ['m1', 'm2'])
      expect(await sqs?.deliver(ruleWith(target(name)), [deliveryOf(id, '{}')])).toEqual([
        { kind: 'delivered' },
      ]);
    const QueueUrl = queues.urlOf(name);
    const received = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(received.Messages).toHaveLength(2);
  }
  expect(await sqs?.deliver(ruleWith(target('wisp-timers')), [deliveryOf('m1', '{}')])).toEqual([
    { kind: 'refused', code: 'rule-target-access' },
  ]);
  expect(queues.counts('wisp-timers').visible).toBe(0);
});
