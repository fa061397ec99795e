import type { QueueDefinition } from './queue/queue.ts';

export const timerQueueName = 'wisp-timers';
export const lookQueueName = 'wisp-looks';
export const fanoutQueueName = 'wisp-fanout.fifo';
/** Anybody who can call the embedded SQS may send to it. */
export const inboundQueueName = 'wisp-inbound';
export const inboundDeadLettersName = 'wisp-inbound-failed';
export const ruleQueueName = 'wisp-rules.fifo';
export const kafkaRuleQueueName = 'wisp-rules-kafka.fifo';
const failedTimersName = `${timerQueueName}-failed`;
const failedFanoutsName = 'wisp-fanout-failed.fifo';
const unreadableRecordsName = 'wisp-rules-failed.fifo';

/** Six times the 30 s of a function, as in the stack. */
const visibilityTimeoutSeconds = 180;

/**
 * The queues of the stack with their dead-letter queues.
 *
 * @param ruleDelaySeconds see LocalServiceOptions.
 */
export function queueDefinitions(ruleDelaySeconds: number): Readonly<Record<string, QueueDefinition>> {
  const served = (queue: string, maxReceiveCount: number): QueueDefinition => ({
    visibilityTimeoutSeconds,
    deadLetter: { queue, maxReceiveCount },
  });
  // Only records that this release cannot read stay in a rule queue for so many receives.
  const ofRules = { ...served(unreadableRecordsName, 1_000), delaySeconds: ruleDelaySeconds };
  return {
    [timerQueueName]: served(failedTimersName, 5),
    [lookQueueName]: served(failedTimersName, 5),
    [failedTimersName]: {},
    [fanoutQueueName]: served(failedFanoutsName, 50),
    [failedFanoutsName]: {},
    [ruleQueueName]: ofRules,
    [kafkaRuleQueueName]: ofRules,
    [unreadableRecordsName]: {},
    [inboundQueueName]: served(inboundDeadLettersName, 1_000),
    [inboundDeadLettersName]: {},
  };
}
