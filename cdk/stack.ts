import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { addOutputs } from './outputs.ts';
import { addService } from './service.ts';
import type { StageSettings } from './settings.ts';

/** The whole service as a stack of its own. */
export class WispStack extends Stack {
  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id, {
      stackName: settings.stackName,
      description: 'Wisp: MQTT over API Gateway WebSockets, Lambda and DynamoDB',
      terminationProtection: settings.protect,
    });
    addOutputs(this, addService(this, settings));
  }
}
