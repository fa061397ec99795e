import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Wisp } from 'wisp-mqtt/cdk';

const app = new App();
const stack = new Stack(app, 'Devices');

// Preset `dev` deletes all data with the stack. Leave it out for production.
const wisp = new Wisp(stack, 'Wisp', { preset: 'dev', logLevel: 'INFO' });

// A function of this app that may use the admin API, for example to suspend a tenant that does not
// pay.
const billing = new LambdaFunction(stack, 'Billing', {
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async () => console.log(process.env.WISP_ADMIN_URL);'),
  environment: { WISP_ADMIN_URL: wisp.adminUrl },
});
wisp.grantAdmin(billing);

new CfnOutput(stack, 'Broker', { value: wisp.webSocketUrl, description: 'URL for MQTT clients' });
