import type { Command } from 'commander';
import { addDefinitionFlags, type DefinitionFlags, definitionFrom } from '../rules/definition.ts';
import { secretOfNewRule } from '../rules/secret.ts';
import { addTargetFlags, type TargetFlags, targetFrom } from '../rules/target-flags.ts';
import type { RuleView } from '../rules/views.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { pathOf, ruleCommand } from './rule-command.ts';

interface AddOptions extends TargetOptions, DefinitionFlags, TargetFlags {
  readonly secretFile?: string;
  readonly replace?: true;
  readonly paused?: true;
}

/**
 * `wisp rule add`. A rule with a secret is paused until the secret is stored, so that a receiver
 * never sees a request without a signature and no attempt fails for want of it. A call that ends in
 * between leaves a paused rule; the same call with `--replace` completes it.
 */
export function addRuleAddCommand(rule: Command, terminal: Terminal): void {
  addTargetFlags(addDefinitionFlags(ruleCommand(rule, 'add', 'add a rule, or with --replace change it')))
    .description(
      'Adds a rule: messages that --filter and --where select go to the target. For a webhook without ' +
        '--secret-file a signing secret is created on this machine, and the path of its file is printed.',
    )
    .option('--secret-file <file>', 'signing secret of the webhook, or password of --kafka-user')
    .option('--replace', 'change the rule of this name if there is one')
    .option('--paused', 'its messages wait until "wisp rule resume"')
    .action(async (tenant: string, name: string, options: AddOptions) => {
      const deployment = resolveTarget(options);
      const target = targetFrom(options, deployment.isLocal, process.cwd());
      const definition = await definitionFrom(options);
      const secret = await secretOfNewRule(options, deployment.keyDirectory, tenant, name);
      const isLater = options.paused === true || secret !== undefined;
      const body = { ...definition, target, ...(isLater ? { status: 'paused' } : {}) };

      const api = adminApi(deployment, await deployment.connect());
      const path = pathOf(tenant, name);
      const query = options.replace === true ? '' : '?revision=0';
      const { revision } = (await api.call('PUT', path + query, body)) as RuleView;
      if (secret !== undefined) await api.call('PUT', `${path}/secret`, { secret: secret.value });
      if (secret !== undefined && options.paused !== true) await api.call('POST', `${path}/resume`);

      const verb = revision === 1 ? 'added' : 'changed';
      terminal.out(`Rule ${name} of tenant ${tenant} ${verb} in ${deployment.label}.`);
      if (secret?.path !== undefined)
        terminal.out(`Signing secret, which the receiver needs: ${secret.path}`);
    });
}
