import type { Command } from 'commander';
import { secretForRotation } from '../rules/secret.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { pathOf, ruleCommand } from './rule-command.ts';

interface SecretOptions extends TargetOptions {
  readonly secretFile?: string;
  readonly endPrevious?: true;
}

/** `wisp rule secret`. The secret is in its file before the service has it. */
export function addRuleSecretCommand(rule: Command, terminal: Terminal): void {
  ruleCommand(rule, 'secret', 'set or rotate the secret of a rule')
    .description(
      'Sets the signing secret of a webhook, or the password for Kafka. The previous signing secret signs ' +
        'too until --end-previous, so that receivers can change over.',
    )
    .option('--secret-file <file>', 'the secret (default: a new signing secret, in a file on this machine)')
    .option('--end-previous', 'only end the previous secret')
    .action(async (tenant: string, name: string, options: SecretOptions) => {
      const deployment = resolveTarget(options);
      const api = adminApi(deployment, await deployment.connect());
      const path = `${pathOf(tenant, name)}/secret`;
      if (options.endPrevious === true) {
        await api.call('DELETE', `${path}/previous`);
        terminal.out(`Only the current secret of rule ${name} is used.`);
        return;
      }
      const { keyDirectory, label } = deployment;
      const secret = await secretForRotation(options.secretFile, keyDirectory, tenant, name);
      const { hasPrevious } = (await api.call('PUT', path, { secret: secret.value })) as {
        hasPrevious: boolean;
      };
      await secret.stored();
      terminal.out(`Secret of rule ${name} of tenant ${tenant} set in ${label}.`);
      if (secret.path !== undefined) terminal.out(`Signing secret, which the receiver needs: ${secret.path}`);
      if (hasPrevious) terminal.err('The previous one is used too, until "wisp rule secret --end-previous".');
    });
}
