import { Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { type IAccessLogSettings, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { StageSettings } from '../settings.ts';
import { removalPolicyOf } from './removal.ts';

/**
 * The log group, and the property of a stage that turns its access log on: one line of JSON with
 * `fields` for each request. No group and an empty property if the settings have none.
 */
export function accessLogOf(
  scope: Construct,
  settings: StageSettings,
  fields: Readonly<Record<string, string>>,
): { readonly group?: LogGroup; readonly stage: { readonly accessLogSettings?: IAccessLogSettings } } {
  if (!settings.accessLog) {
    Validations.of(scope).acknowledge({
      id: 'AwsSolutions-APIG1',
      reason: 'The setting accessLog is off: each line is paid for.',
    });
    return { stage: {} };
  }
  const group = new LogGroup(scope, 'AccessLogs', {
    retention: settings.logRetentionDays,
    removalPolicy: removalPolicyOf(settings),
  });
  const destination = new LogGroupLogDestination(group);
  const format = AccessLogFormat.custom(JSON.stringify(fields));
  return { group, stage: { accessLogSettings: { destination, format } } };
}
