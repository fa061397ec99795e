import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings, SettingsError } from './read-settings.ts';
import { WispStack } from './stack.ts';

const app = new App({ autoSynth: false });
try {
  const settings = readSettings((name) => app.node.tryGetContext(name), deploymentRegion());
  new WispStack(app, 'Wisp', settings);
  Tags.of(app).add('application', 'wisp');
  Tags.of(app).add('deployment', settings.stackName);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(`wisp: ${error.message}`);
  process.exitCode = 1;
}

/**
 * The CDK command assumes a region if it finds no account, so the region counts only with an
 * account.
 */
function deploymentRegion(): string | undefined {
  return process.env.CDK_DEFAULT_ACCOUNT ? process.env.CDK_DEFAULT_REGION : undefined;
}
