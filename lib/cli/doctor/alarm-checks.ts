import type { AwsClientOptions } from '../../aws/settings.ts';
import { examine, type Finding } from './finding.ts';

/**
 * Whether alarms reach anybody: an address counts only once it is confirmed.
 * @param sendTest publishes one message to the topic.
 */
export async function checkAlarms(
  topicArn: string | undefined,
  { region, endpoint, credentials }: AwsClientOptions,
  sendTest: boolean,
): Promise<Finding[]> {
  if (topicArn === undefined)
    return [
      {
        check: 'alarm mail',
        status: sendTest ? 'failed' : 'skipped',
        detail: 'the stack has no address for alarms',
        advice: 'Deploy with -c alarmEmail=you@example.com',
      },
    ];
  const { SNSClient, GetTopicAttributesCommand, PublishCommand } = await import('@aws-sdk/client-sns');
  const client = new SNSClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  try {
    const confirmed = await examine(
      'alarm mail',
      'Confirm the mail "AWS Notification - Subscription Confirmation"; when it is older than two days, deploy without alarmEmail, then with it again',
      async () => {
        const { Attributes } = await client.send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
        const addresses = Number(Attributes?.SubscriptionsConfirmed ?? 0);
        if (addresses === 0) throw new Error('no address is confirmed, so alarms reach nobody');
        return `${addresses} confirmed ${addresses === 1 ? 'address' : 'addresses'}`;
      },
    );
    if (!sendTest) return [confirmed];
    const sent = await examine(
      'test mail',
      'Your AWS identity needs sns:Publish on the topic of alarms',
      async () => {
        await client.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: 'Wisp: test of the alarm mail',
            Message: 'This is a test, sent by "wisp doctor --test-alarm". Alarms arrive here.',
          }),
        );
        return 'one message is published: look into the mailbox';
      },
    );
    return [confirmed, sent];
  } finally {
    client.destroy();
  }
}
