import type { Reason } from './reason.ts';

/**
 * What fails inside a deployment: in the log and the alarms, never sent to clients
 * (docs/runbook.md).
 */
export const operationReasons = {
  environment: {
    message: 'an environment variable of the function is missing or not valid',
    remedy: 'Deploy the stack again; do not edit the variables by hand.',
  },
  'event-shape': {
    message: 'the event that started the function is not of the expected shape',
    remedy: 'Connect the function only to the event sources of the stack.',
  },
  'timer-format': {
    message: 'a message of the timer queue is not a timer of this release',
    remedy: 'Nothing while a deployment is in progress; else see docs/upgrading.md.',
  },
  'slice-format': {
    message: 'a message of the fan-out queue is not a slice of this release',
    remedy: 'Nothing while a deployment is in progress; else see docs/upgrading.md.',
  },
  'queue-send': {
    message: 'SQS did not accept all messages: slices of a fan-out or timers',
    remedy: 'Nothing: the frame is not acknowledged, or the timers arrive again. Check SQS if it goes on.',
  },
  'event-refused': {
    message: 'EventBridge refused a lifecycle event',
    remedy: 'Check that the event bus exists and that the functions may put events on it.',
  },
  'batch-unprocessed': {
    message: 'DynamoDB left items of a batch unprocessed after all retries',
    remedy: 'Check for throttling of the table (docs/runbook.md).',
  },
  'item-format': {
    message: 'a stored item is damaged',
    remedy: 'Find the item by the log entry and restore or delete it (docs/runbook.md).',
  },
  'item-version': {
    message: 'a stored item has another format version than this release knows',
    remedy: 'Do not roll back further than docs/upgrading.md allows, and do not skip a release.',
  },
  settings: {
    message: 'a setting of the deployment is missing or not valid',
    remedy: 'Correct the setting that the message names (docs/deploying.md).',
  },
} as const satisfies Readonly<Record<string, Reason>>;
