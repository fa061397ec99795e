import { type Command, Option } from 'commander';
import { commandName } from '../../local/operator/command-name.ts';
import { keyPath, readSigningKey } from '../../local/operator/key-file.ts';
import { mintToken } from '../../local/operator/mint-token.ts';
import { UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, collectValues, parseTenantName, parseTtl } from '../options.ts';
import { resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

interface TokenOptions extends TargetOptions {
  readonly clientId?: string;
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly ttl: number;
  readonly key?: string;
}

/**
 * `wisp token`. Needs the tenant's private key but no network. Prints only the JWT to standard
 * output.
 */
export function addTokenCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('token')
    .summary('mint a JWT for a tenant')
    .description(
      'Prints a JWT, signed with the private key that "wisp tenant create" wrote on this machine. ' +
        'Without --publish and --subscribe it allows all topics of the tenant.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .option('--client-id <id>', 'the only client id that may use the token (default: any)')
    .option('--publish <filter>', 'topic filter to allow publishing to; may be repeated', collectValues)
    .option('--subscribe <filter>', 'topic filter to allow subscribing to; may be repeated', collectValues)
    .addOption(
      new Option('--ttl <duration>', 'lifetime: 90s, 15m, 1h, 7d').argParser(parseTtl).default(3_600, '1h'),
    )
    .option('--key <file>', 'private key file (default: that of "wisp tenant create")');
  addTargetOptions(command)
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, options: TokenOptions) => {
      const { clientId, publish, subscribe } = options;
      const path = options.key ?? keyPath(resolveTarget(options).keyDirectory, tenant);
      const key = await readSigningKey(path);
      if (key === undefined) {
        throw new UserError(
          'key-missing',
          `no private key at ${path}; create the tenant with "${commandName()} tenant create ${tenant}", or name the key file with --key`,
        );
      }
      terminal.out(
        await mintToken({
          tenant,
          key,
          ttlSeconds: options.ttl,
          nowSeconds: Math.floor(Date.now() / 1_000),
          ...(clientId === undefined ? {} : { clientId }),
          ...(publish === undefined ? {} : { publish }),
          ...(subscribe === undefined ? {} : { subscribe }),
        }),
      );
    });
}

const help = `
Examples:
  $ wisp token demo
  $ wisp token demo --client-id sensor-7 --publish 'sensors/\${clientId}/#' --subscribe 'commands/+' --ttl 7d
  $ mosquitto_sub -u demo -P "$(wisp token demo)" -t '#' -v
  $ wisp token acme --stack Wisp`;
