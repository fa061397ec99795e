import { type Command, InvalidArgumentError, Option } from 'commander';
import { escapeControls } from '../../core/escape-controls.ts';
import { parseDuration } from '../duration.ts';
import { apiOf, query } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { type JsonOption, printAll, tenantCommand } from './operate.ts';

interface BanOptions extends JsonOption {
  readonly client: string;
  readonly for: number;
  readonly reason?: string;
}

interface Ban {
  readonly clientId: string;
  readonly until: string;
  readonly by: string;
  readonly reason?: string;
}

/** `wisp ban`, `wisp unban` and `wisp bans` */
export function addBanCommands(program: Command, terminal: Terminal): void {
  tenantCommand(program, 'ban', 'refuse a client for a while', help)
    .description('Refuses the CONNECTs of a client with 0x8A (Banned), and ends its connection.')
    .requiredOption('--client <id>', 'client identifier')
    .addOption(
      new Option('--for <time>', 'how long, such as 90s, 15m, 1h or 7d; at most 30d')
        .argParser(seconds)
        .makeOptionMandatory(),
    )
    .option('--reason <text>', 'what the client is told')
    .action(async (tenant: string, options: BanOptions) => {
      const path = `/${tenant}/client/ban?${query({ clientId: options.client })}`;
      const { reason } = options;
      const body = { seconds: options.for, ...(reason === undefined ? {} : { reason }) };
      const banned = (await (await apiOf(options)).call('PUT', path, body)) as {
        until: string;
        disconnected: boolean;
      };
      terminal.out(`Banned until ${banned.until}.${banned.disconnected ? ' Its connection has ended.' : ''}`);
    });

  tenantCommand(program, 'unban', 'let a banned client connect again', help)
    .requiredOption('--client <id>', 'client identifier')
    .action(async (tenant: string, options: BanOptions) => {
      const path = `/${tenant}/client/ban?${query({ clientId: options.client })}`;
      await (await apiOf(options)).call('DELETE', path);
      terminal.out('It may connect again.');
    });

  tenantCommand(program, 'bans', 'list the clients that are banned', help)
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption) => {
      const api = await apiOf(options);
      await printAll<Ban>(
        terminal,
        api.all(`/${tenant}/bans`, 'bans'),
        options.json === true,
        ({ clientId, until, by, reason }) =>
          escapeControls(
            `until ${until}  ${by.padEnd(8)}  ${clientId}${reason === undefined ? '' : `  ${reason}`}`,
          ),
        'no client is banned',
      );
    });
}

function seconds(text: string): number {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new InvalidArgumentError('expected a time such as 90s, 15m, 1h or 7d');
  return parsed;
}

const help = `
Examples:
  $ wisp ban demo --client sensor-7 --for 1h --reason 'sends nonsense'
  $ wisp unban demo --client sensor-7
  $ wisp bans demo`;
