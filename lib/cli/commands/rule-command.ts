import { type Command, InvalidArgumentError } from 'commander';
import { isTenantName } from '../../auth/index.ts';
import { tenantCommand } from './operate.ts';

/** A subcommand of `wisp rule` about one rule. */
export function ruleCommand(parent: Command, name: string, summary: string): Command {
  return tenantCommand(parent, name, summary, help).argument('<rule>', 'name of the rule', parseRuleName);
}

/** Names of rules have the form of names of tenants. */
function parseRuleName(value: string): string {
  if (!isTenantName(value))
    throw new InvalidArgumentError('1 to 63 characters of a-z, 0-9 and "-"; no "-" at either end.');
  return value;
}

/** Path of a rule in the admin API. */
export function pathOf(tenant: string, rule: string): string {
  return `/${tenant}/rules/${rule}`;
}

/** The end of the `--help` of all subcommands. */
export const help = `
Examples:
  $ wisp rule add demo hook --filter 'devices/#' --webhook https://example.com/in
  $ wisp rule add demo orders --filter 'orders/+/placed' --sqs arn:aws:sqs:eu-central-1:111122223333:orders \\
      --where '{"payload":{"total":[{"numeric":[">",100]}]}}'
  $ wisp rule add demo chat --filter 'alarms/#' --webhook https://hooks.example.com/T1 --send '{"text": "<$.topic>"}'
  $ wisp rule add demo online --filter '$SYS/tenants/demo/clients/+/+' --lambda ./handler.mjs
  $ wisp rule test demo orders --topic orders/7/placed --payload '{"total":120}'
  $ wisp rule list demo
  $ wisp rule show demo hook --stack Wisp
  $ wisp rule pause demo hook
  $ wisp rule resume demo hook
  $ wisp rule secret demo hook
  $ wisp rule secret demo hook --end-previous
  $ wisp rule failures demo hook
  $ wisp rule redrive demo hook --all
  $ wisp rule remove demo hook`;
