import { Annotations, App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readSettings, refuseForgottenTables, refuseUnknownSettings } from './read-settings.ts';
import { SettingsError } from './read-values.ts';
import { WispStack } from './stack.ts';
import { type FoundStack, findStack } from './standing.ts';

const app = new App({ autoSynth: false });
try {
  refuseUnknownSettings(Object.keys(app.node.getAllContext()));
  const asked = readSettings((name) => app.node.tryGetContext(name), deploymentRegion());
  const found = await findDeployed(asked.stackName);
  refuseForgottenTables(found?.existingTables, asked);
  // With `-c protect=true` a first deployment is protected at once.
  const isExplicit = app.node.tryGetContext('protect') !== undefined;
  const protect = asked.protect && (isExplicit || (found?.stands ?? true));
  const settings = { ...asked, protect };
  const stack = new WispStack(app, 'Wisp', settings);
  if (asked.protect && !protect)
    Annotations.of(stack).addInfoV2(
      'wisp:protect',
      'a first deployment is not protected from deletion, so that it can be repeated: deploy again when it stands',
    );
  Tags.of(app).add('application', 'wisp');
  Tags.of(app).add('deployment', settings.stackName);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(`wisp: ${error.message}`);
  process.exitCode = 1;
}

/** Without an account nothing is deployed, so nobody looks. */
async function findDeployed(stackName: string): Promise<FoundStack | undefined> {
  const region = deploymentRegion();
  return region === undefined ? undefined : await findStack(stackName, region);
}

/**
 * The CDK command assumes a region if it finds no account, so the region counts only with an
 * account.
 */
function deploymentRegion(): string | undefined {
  return process.env.CDK_DEFAULT_ACCOUNT ? process.env.CDK_DEFAULT_REGION : undefined;
}
