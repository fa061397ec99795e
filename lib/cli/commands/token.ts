import { type Command, Option } from 'commander';
import { mintToken } from '../../local/operator/mint-token.ts';
import { addTargetOptions, collectValues, parseTenantName, parseTtl } from '../options.ts';
import { signingKeyOf } from '../signing-key.ts';
import { resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { addTokenCheckCommand, checkExamples } from './token-check.ts';

interface TokenOptions extends TargetOptions {
  readonly clientId?: string;
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly rules?: true;
  readonly ttl: number;
  readonly key?: string;
}

/**
 * `wisp token`: `wisp token TENANT` mints, `wisp token check` asks the service about a token.
 * `wisp token mint` is the long form, for a tenant whose name is that of a subcommand.
 */
export function addTokenCommands(program: Command, terminal: Terminal): void {
  const token = program
    .command('token')
    .summary('mint a JWT for a tenant, or check one')
    // Options behind "check" are those of "check".
    .enablePositionalOptions();
  asMint(token, `${mintExamples}\n${checkExamples}`, terminal);
  addTokenCheckCommand(token, terminal);
  asMint(
    token.command('mint').summary('the same for a tenant named "check" or "mint"'),
    mintExamples,
    terminal,
  );
}

/** Needs the tenant's private key but no network. Prints only the JWT to standard output. */
function asMint(command: Command, examples: string, terminal: Terminal): void {
  command
    .description(
      'Prints a JWT, signed with the private key that "wisp tenant create" wrote on this machine. ' +
        'Without --publish and --subscribe it allows all topics of the tenant.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .option('--client-id <id>', 'the only client id that may use the token (default: any)')
    .option('--publish <filter>', 'topic filter to allow publishing to; may be repeated', collectValues)
    .option('--subscribe <filter>', 'topic filter to allow subscribing to; may be repeated', collectValues)
    .option('--rules', 'allow rules of the bearer with webhooks as targets (docs/rules.md)')
    .addOption(
      new Option('--ttl <duration>', 'lifetime: 90s, 15m, 1h, 7d').argParser(parseTtl).default(3_600, '1h'),
    )
    .option('--key <file>', 'private key file (default: that of "wisp tenant create")');
  addTargetOptions(command)
    .addHelpText('after', `\nExamples:\n${examples}`)
    .action(async (tenant: string, options: TokenOptions) => {
      const { clientId, publish, subscribe } = options;
      const key = await signingKeyOf(tenant, options, resolveTarget(options));
      terminal.out(
        await mintToken({
          tenant,
          key,
          ttlSeconds: options.ttl,
          nowSeconds: Math.floor(Date.now() / 1_000),
          ...(clientId === undefined ? {} : { clientId }),
          ...(publish === undefined ? {} : { publish }),
          ...(subscribe === undefined ? {} : { subscribe }),
          ...(options.rules === undefined ? {} : { rules: options.rules }),
        }),
      );
    });
}

const mintExamples = `  $ wisp token demo
  $ wisp token demo --client-id sensor-7 --publish 'sensors/\${clientId}/#' --subscribe 'commands/+' --ttl 7d
  $ mosquitto_sub -u demo -P "$(wisp token demo)" -t '#' -v
  $ wisp token acme --stack Wisp`;
