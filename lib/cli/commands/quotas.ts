import type { Command } from 'commander';
import { quotaNames } from '../../core/quotas.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parseTenantName } from '../options.ts';
import { parseQuotaChange, parseQuotas } from '../quota-options.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

type Quotas = Record<string, number>;

/** `wisp quotas`: shows or changes the quotas of a tenant. */
export function addQuotaCommand(program: Command, terminal: Terminal): void {
  addTargetOptions(program.command('quotas'))
    .summary('show or change the quotas of a tenant')
    .description(
      'Shows the quotas of a tenant as JSON. NAME=NUMBER sets a quota, NAME=none removes it; others stay.\n' +
        `Names: ${quotaNames.join(', ')}.`,
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .argument('[changes...]', 'NAME=NUMBER or NAME=none')
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, changes: readonly string[], options: TargetOptions) => {
      const changed = changes.map(parseQuotaChange);
      parseQuotas(changes.filter((change) => !change.endsWith('=none')));
      const target = resolveTarget(options);
      const api = adminApi(target, await target.connect());
      let { quotas = {} } = (await api.call('GET', `/${tenant}`)) as { quotas?: Quotas };
      if (changed.length > 0) {
        const wanted = Object.entries({ ...quotas, ...Object.fromEntries(changed) });
        quotas = Object.fromEntries(
          wanted.flatMap(([name, bound]) => (bound === undefined ? [] : [[name, bound]])),
        );
        await api.call('PUT', `/${tenant}/quotas`, quotas);
      }
      terminal.out(JSON.stringify(quotas, null, 2));
    });
}

const help = `
Examples:
  $ wisp quotas acme
  $ wisp quotas acme connections=1000 publishesPerSecondPerClient=10
  $ wisp quotas acme connections=none --stack Wisp`;
