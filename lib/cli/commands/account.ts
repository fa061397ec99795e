import { type Command, Option } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parseTenantName, parseTtl } from '../options.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

interface UsageOptions extends TargetOptions {
  readonly by: 'hour' | 'minute';
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

interface RevokeOptions extends TargetOptions {
  readonly tokenId?: string;
  readonly subject?: string;
  readonly clientId?: string;
  readonly all?: true;
  readonly keep?: number;
}

/** An hour or a minute of usage: its time and its counts, in an hour refusals by code too. */
type Step = Readonly<Record<string, unknown>> & {
  readonly refusals?: Readonly<Record<string, number>>;
};

interface Usage {
  readonly hours?: readonly Step[];
  readonly minutes?: readonly Step[];
  readonly now: Readonly<Record<string, number>>;
}

/** `wisp usage` and `wisp revoke`. */
export function addAccountCommands(program: Command, terminal: Terminal): void {
  addTargetOptions(program.command('usage'))
    .summary('show the usage of a tenant by hour or minute')
    .description(
      'Shows usage by hour or by minute (UTC), the total, and what the tenant stores now. Counts are ' +
        'written within about ten seconds of use.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .addOption(
      new Option('--by <step>', 'length of a step').choices(['hour', 'minute'] as const).default('hour'),
    )
    .option(
      '--from <time>',
      'first hour, such as 2026-11-21T06, or minute, such as 2026-11-21T06:05 (default: 23 hours or 59 minutes before --to)',
    )
    .option('--to <time>', 'last hour or minute (default: now)')
    .option('--json', 'as JSON')
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, options: UsageOptions) => {
      const target = resolveTarget(options);
      const { by, from, to } = options;
      const range = new URLSearchParams({
        ...(by === 'hour' ? {} : { resolution: by }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
      const api = adminApi(target, await target.connect());
      const usage = (await api.call('GET', `/${tenant}/usage?${range}`)) as Usage;
      if (options.json) terminal.out(JSON.stringify(usage, null, 2));
      else for (const line of table(usage, by)) terminal.out(line);
    });

  addTargetOptions(program.command('revoke'))
    .summary('revoke tokens of a tenant')
    .description(
      'Revokes tokens issued until now: they are refused, and the connections that use them are closed ' +
        'within seconds. Tokens issued later are accepted.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .option('--token-id <jti>', 'the token with this "jti"')
    .option('--subject <sub>', 'tokens with this "sub"')
    .option('--client-id <id>', 'tokens that this client has used or may use')
    .option('--all', 'every token of the tenant')
    .addOption(
      new Option(
        '--keep <duration>',
        'longest lifetime of issued tokens, to keep the revocation for: 15m, 1h, 7d',
      ).argParser(parseTtl),
    )
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, options: RevokeOptions) => {
      const { tokenId, subject, clientId, all, keep } = options;
      const meant = Object.entries({ tokenId, subject, clientId, all }).filter(
        ([, value]) => value !== undefined,
      );
      if (all && meant.length > 1)
        throw new UserError(
          'usage',
          `--all revokes every token of the tenant: leave it out to revoke those of ${selectorNames(meant)} only`,
          { exitCode: exitCodes.usage },
        );
      if (meant.length > 1)
        throw new UserError(
          'usage',
          `give only one of ${selectorNames(meant)}; revoke the others in a second call`,
          {
            exitCode: exitCodes.usage,
          },
        );
      if (meant.length === 0)
        throw new UserError('usage', 'select tokens with one of --token-id, --subject, --client-id, --all', {
          exitCode: exitCodes.usage,
        });
      const target = resolveTarget(options);
      const api = adminApi(target, await target.connect());
      const body = { ...Object.fromEntries(meant), ...(keep === undefined ? {} : { keepSeconds: keep }) };
      const { revokedAt } = (await api.call('POST', `/${tenant}/revoke`, body)) as { revokedAt: string };
      terminal.out(`Tokens issued until ${revokedAt} are revoked.`);
    });
}

/** `--token-id, --subject` */
function selectorNames(meant: readonly (readonly [string, unknown])[]): string {
  return meant
    .filter(([name]) => name !== 'all')
    .map(([name]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
    .join(' and ');
}

/** Prints exact bytes and milliseconds, because the figures are for billing. */
function table({ hours, minutes, now }: Usage, by: 'hour' | 'minute'): string[] {
  const steps = (by === 'hour' ? hours : minutes) ?? [];
  const names = Object.keys(steps[0] ?? {}).filter((name) => typeof steps[0]?.[name] === 'number');
  const total = names.map((name) => steps.reduce((sum, step) => sum + Number(step[name] ?? 0), 0));
  const row = (first: string, cells: readonly (string | number)[]) =>
    [first.padEnd(15), ...cells.map((cell) => String(cell).padStart(14))].join(' ');
  return [
    ...(steps.length === 0 ? [`no usage in these ${by}s`] : [row(`${by} (UTC)`, names)]),
    ...steps.map((step) =>
      row(
        String(step[by]),
        names.map((name) => Number(step[name] ?? 0)),
      ),
    ),
    ...(steps.length > 1 ? [row('total', total)] : []),
    '',
    ...Object.entries(now).map(([name, value]) => `now ${name}: ${value}`),
    ...refusalsOf(steps).map(([code, count]) => `refused ${code}: ${count}`),
  ];
}

/** Refusals of all steps by code, the most frequent first. */
function refusalsOf(steps: readonly Step[]): [code: string, count: number][] {
  const total = new Map<string, number>();
  for (const { refusals = {} } of steps)
    for (const [code, count] of Object.entries(refusals)) total.set(code, (total.get(code) ?? 0) + count);
  return [...total].sort(([, one], [, other]) => other - one);
}

const help = `
Examples:
  $ wisp usage demo
  $ wisp usage demo --by minute
  $ wisp usage acme --stack Wisp --from 2026-11-01T00 --to 2026-11-30T23 --json
  $ wisp revoke acme --client-id sensor-7
  $ wisp revoke acme --all --keep 1h`;
