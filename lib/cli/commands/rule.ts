import type { Command } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import {
  type FailureView,
  failureLine,
  type RuleDetails,
  type RuleView,
  ruleLine,
  ruleLines,
} from '../rules/views.ts';
import type { TargetOptions } from '../target.ts';
import { apiOf } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { type JsonOption, printAll, tenantCommand } from './operate.ts';
import { addRuleAddCommand } from './rule-add.ts';
import { help, pathOf, ruleCommand } from './rule-command.ts';
import { addRuleSecretCommand } from './rule-secret.ts';
import { addRuleTestCommand } from './rule-test.ts';

interface RedriveOptions extends TargetOptions {
  readonly all?: true;
}

interface Redriven {
  readonly redriven: number;
  readonly more: boolean;
}

/** `wisp rule add|test|list|show|pause|resume|secret|remove|failures|redrive` */
export function addRuleCommands(program: Command, terminal: Terminal): void {
  const rule = program.command('rule').summary('send messages to queues, functions, webhooks and databases');
  rule
    .description('Rules of a tenant: which messages are sent where (docs/rules.md).')
    .addHelpText('after', ownExamples(help));

  addRuleAddCommand(rule, terminal);
  addRuleTestCommand(rule, terminal);

  tenantCommand(rule, 'list', 'list rules', help)
    .description('Lists rules: name, status, target, filter. While a rule is failing, its messages wait.')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption) => {
      const rules = (await apiOf(options)).all<RuleView>(`/${tenant}/rules`, 'rules');
      await printAll(terminal, rules, options.json === true, ruleLine, 'no rules');
    });

  ruleCommand(rule, 'show', 'show a rule: status, circuit, waiting messages, last failure')
    .option('--json', 'as JSON')
    .action(async (tenant: string, name: string, options: JsonOption) => {
      const details = (await (await apiOf(options)).call('GET', pathOf(tenant, name))) as RuleDetails;
      if (options.json === true) terminal.out(JSON.stringify(details, null, 2));
      else for (const line of ruleLines(details)) terminal.out(line);
    });

  for (const [verb, summary, outcome] of [
    ['pause', 'let the messages of a rule wait', 'paused; its messages wait'],
    ['resume', 'send the messages of a paused rule', 'resumed'],
  ] as const)
    ruleCommand(rule, verb, summary).action(async (tenant: string, name: string, options: TargetOptions) => {
      await (await apiOf(options)).call('POST', `${pathOf(tenant, name)}/${verb}`);
      terminal.out(`Rule ${name} of tenant ${tenant} ${outcome}.`);
    });

  addRuleSecretCommand(rule, terminal);

  ruleCommand(rule, 'remove', 'remove a rule with its waiting messages and failures').action(
    async (tenant: string, name: string, options: TargetOptions) => {
      await (await apiOf(options)).call('DELETE', pathOf(tenant, name));
      terminal.out(`Rule ${name} of tenant ${tenant} removed.`);
    },
  );

  ruleCommand(rule, 'failures', 'list messages that a rule has given up')
    .description('Lists messages that a rule has given up: time, code (docs/errors.md), size, id, topic.')
    .option('--json', 'as JSON')
    .action(async (tenant: string, name: string, options: JsonOption) => {
      const api = await apiOf(options);
      const failures = api.all<FailureView>(`${pathOf(tenant, name)}/failures`, 'failures');
      await printAll(terminal, failures, options.json === true, failureLine, 'no failures');
    });

  ruleCommand(rule, 'redrive', 'send messages again that a rule has given up')
    .argument('[ids...]', 'ids of "wisp rule failures"')
    .option('--all', 'all of them')
    .action(async (tenant: string, name: string, ids: readonly string[], options: RedriveOptions) => {
      if (ids.length > 0 === (options.all === true))
        throw new UserError('usage', 'name ids of "wisp rule failures", or --all', {
          exitCode: exitCodes.usage,
        });
      const api = await apiOf(options);
      let count = 0;
      for (let more = true; more; ) {
        const body = ids.length > 0 ? { ids } : { all: true };
        const answer = (await api.call('POST', `${pathOf(tenant, name)}/redrive`, body)) as Redriven;
        count += answer.redriven;
        more = answer.more && answer.redriven > 0;
      }
      terminal.out(`${count} ${count === 1 ? 'message is' : 'messages are'} sent again.`);
    });
}
