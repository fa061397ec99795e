import { CfnOutput } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { tableNames } from '../lib/store/schema.ts';
import { capitalised } from './constructs/tables.ts';
import type { ServiceParts } from './service.ts';

/**
 * Adds the outputs that clients (`WebSocketUrl`) and the `wisp` command (the others) need. Their
 * names are fixed, so one stack holds at most one service.
 */
export function addOutputs(scope: Construct, parts: ServiceParts): void {
  const { webSocketUrl, http, tables, timers, fanout, gateway, inbound, edge, fleet, rules } = parts;
  const { alarmTopic, existingTables, eventBusName } = parts;
  function addOutput(name: string, value: string, description: string): void {
    new CfnOutput(scope, name, { value, description }).overrideLogicalId(name);
  }
  addOutput('WebSocketUrl', webSocketUrl, 'URL for clients');
  addOutput('AdminUrl', http.adminUrl, 'Admin API, with IAM authorisation');
  addOutput('PublishUrl', http.publishUrl, 'Publishing over HTTP, for tenants');
  for (const kind of tableNames)
    addOutput(`${capitalised(kind)}TableName`, tables.byKind[kind].tableName, `Table of ${kind}`);
  addOutput('TimerQueueUrl', timers.queue.queueUrl, 'Queue of timers');
  if (inbound !== undefined)
    addOutput('InboundQueueUrl', inbound.queue.queueUrl, 'Queue whose messages become publishes');
  if (alarmTopic !== undefined) addOutput('AlarmTopicArn', alarmTopic.topicArn, 'Topic of alarms');
  if (rules !== undefined) addOutput('RuleTargets', rules.reachable, 'What rules may send to');
  // The next deployment looks whether the setting is forgotten.
  if (existingTables !== undefined) addOutput('ExistingTables', existingTables, 'Setting "tables"');
  if (edge === undefined) return;
  addOutput('LookQueueUrl', timers.looks.queueUrl, 'Queue of looks at connections');
  addOutput('FanoutQueueUrl', fanout.queue.queueUrl, 'Queue of slices of large audiences');
  if (rules !== undefined)
    addOutput('RuleQueueUrl', rules.common.queue.queue.queueUrl, 'Queue of records of rules');
  if (rules?.kafka !== undefined)
    addOutput('KafkaRuleQueueUrl', rules.kafka.queue.queue.queueUrl, 'Queue of records for Kafka');
  addOutput('CallbackEndpoint', gateway.stage.callbackUrl, "API Gateway's connections, to post to");
  addOutput('BackDoorUrl', edge.backDoor.stage.url, 'Back door, with IAM authorisation');
  addOutput('BackDoorEndpoint', edge.backDoor.stage.callbackUrl, 'Processes of the edge, to post to');
  if (eventBusName !== undefined) addOutput('EventBusName', eventBusName, 'Bus of lifecycle events');
  addOutput('EdgePolicyArn', edge.policy.grants.managedPolicyArn, 'What a process of the edge may do');
  if (fleet !== undefined)
    addOutput(
      'EdgeEndpoint',
      fleet.balancer.host,
      'Where the DNS record of the edge must point (CNAME or alias)',
    );
}
