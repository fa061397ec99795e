import type { Command } from 'commander';
import {
  addMessageFlags,
  type MessageFlags,
  messageFrom,
  type Rehearsal,
  rehearsalLines,
} from '../rules/rehearsal.ts';
import { apiOf } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import type { JsonOption } from './operate.ts';
import { pathOf, ruleCommand } from './rule-command.ts';

/** `wisp rule test` */
export function addRuleTestCommand(rule: Command, terminal: Terminal): void {
  addMessageFlags(ruleCommand(rule, 'test', 'say whether a rule selects a message, and what it would send'))
    .description('Says whether a rule selects a message, and what it would send. Sends nothing.')
    .option('--json', 'as JSON')
    .action(async (tenant: string, name: string, options: JsonOption & MessageFlags) => {
      const message = await messageFrom(options);
      const api = await apiOf(options);
      const rehearsal = (await api.call('POST', `${pathOf(tenant, name)}/test`, message)) as Rehearsal;
      if (options.json === true) terminal.out(JSON.stringify(rehearsal, null, 2));
      else for (const line of rehearsalLines(rehearsal)) terminal.out(line);
    });
}
