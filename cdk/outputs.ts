import { CfnOutput } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { tableNames } from '../lib/store/schema.ts';
import { capitalised } from './constructs/tables.ts';
import type { ServiceParts } from './service.ts';

/**
 * Adds the outputs that clients (`WebSocketUrl`) and the `wisp` command (the others) need. Their
 * names are fixed, so one stack holds at most one service.
 */
export function addOutputs(scope: Construct, { webSocketUrl, http, tables, timers }: ServiceParts): void {
  function addOutput(name: string, value: string, description: string): void {
    new CfnOutput(scope, name, { value, description }).overrideLogicalId(name);
  }
  addOutput('WebSocketUrl', webSocketUrl, 'URL for clients');
  addOutput('AdminUrl', http.adminUrl, 'Admin API, with IAM authorisation');
  addOutput('PublishUrl', http.publishUrl, 'Publishing over HTTP, for tenants');
  for (const kind of tableNames)
    addOutput(`${capitalised(kind)}TableName`, tables.byKind[kind].tableName, `Table of ${kind}`);
  addOutput('TimerQueueUrl', timers.queue.queueUrl, 'Queue of timers');
}
