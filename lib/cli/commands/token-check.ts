import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Permissions } from '../../auth/index.ts';
import { escapeControls } from '../../core/escape-controls.ts';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { knownReason } from '../admin-client.ts';
import { apiOf } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { type JsonOption, tenantCommand } from './operate.ts';

interface CheckOptions extends JsonOption {
  readonly stdin?: true;
  readonly clientId?: string;
}

/** The answer of the admin API (docs/openapi.json, TokenCheck). */
type TokenCheck =
  | {
      readonly valid: false;
      readonly step: string;
      readonly code: string;
      readonly message: string;
      readonly facts?: string;
      readonly remedy: string;
    }
  | {
      readonly valid: true;
      readonly clientId?: string;
      readonly subject?: string;
      readonly expiresAt?: string;
      readonly permissions: Permissions;
      readonly withoutEffect: Permissions;
    };

/** `wisp token check`: exit code 0 if the service accepts the token, 1 with the reason if not. */
export function addTokenCheckCommand(token: Command, terminal: Terminal): void {
  tenantCommand(
    token,
    'check',
    'say what the service would do with a token, and why',
    `\nExamples:\n${checkExamples}`,
  )
    .description(
      'Asks the service whether it accepts a token now. Prints what the token permits, or the step of ' +
        'verification that refuses it (form, tenant, key, signature, claims, status, revocation) and why.',
    )
    .argument('[token]', 'the JWT; better --stdin where others can see command lines')
    .option('--stdin', 'read the token from standard input')
    .option('--client-id <id>', 'the client that uses it, for revocations by client id')
    .option('--json', 'as JSON')
    .action(async (tenant: string, given: string | undefined, options: CheckOptions) => {
      refuseOptionsOf(token);
      const { clientId } = options;
      const body = {
        token: await tokenFrom(given, options.stdin === true),
        ...(clientId === undefined ? {} : { clientId }),
      };
      const api = await apiOf(options);
      const check = (await api.call('POST', `/${tenant}/token/check`, body)) as TokenCheck;
      if (options.json) terminal.out(JSON.stringify(check, null, 2));
      if (!check.valid) throw refusedBy(check);
      if (!options.json) for (const line of linesOf(check)) terminal.out(line);
    });
}

/** Options before "check" are those of minting: the check would ask another service. */
function refuseOptionsOf(token: Command): void {
  const given = token.options.find((option) => token.getOptionValueSource(option.attributeName()) === 'cli');
  if (given === undefined) return;
  throw new UserError('usage', `write ${given.long} behind "check"`, { exitCode: exitCodes.usage });
}

async function tokenFrom(given: string | undefined, stdin: boolean): Promise<string> {
  if (stdin === (given !== undefined)) {
    throw new UserError('usage', 'give the token as the second argument, or with --stdin', {
      exitCode: exitCodes.usage,
    });
  }
  return (given ?? (await text(process.stdin))).trim();
}

function refusedBy({ step, code, message, facts, remedy }: TokenCheck & { valid: false }): UserError {
  const what = facts === undefined ? message : `${message}: ${facts}`;
  return new UserError(
    knownReason(code),
    escapeControls(`refused at the step "${step}" (${code}): ${what}. ${remedy}`),
  );
}

function linesOf(check: TokenCheck & { valid: true }): string[] {
  const { clientId, subject, expiresAt, permissions, withoutEffect } = check;
  const row = (name: string, value: string) => `${name.padEnd(11)}${escapeControls(value)}`;
  return [
    'The service accepts this token.',
    row('client id', clientId ?? '(any)'),
    row('subject', subject ?? '(none)'),
    row('expires', expiresAt ?? 'never'),
    ...permissions.map((rule) => row(nameOf(rule), filterOf(rule))),
    ...(permissions.length === 0 ? ['It permits nothing.'] : []),
    ...withoutEffect.map((rule) =>
      row('no effect', `${nameOf(rule)} ${filterOf(rule)}: the token has no usable value for a placeholder`),
    ),
  ];
}

type Rule = Permissions[number];

function nameOf({ effect, action }: Rule): string {
  const name = action === 'all' ? 'all' : action;
  return effect === 'allow' ? name : `not ${name}`;
}

function filterOf({ filter, exact, qos, retain }: Rule): string {
  return [
    filter,
    ...(exact ? ['(this text alone)'] : []),
    ...(qos === undefined ? [] : [`(QoS ${qos.join(', ')})`]),
    ...(retain === undefined ? [] : [retain ? '(retained)' : '(not retained)']),
  ].join(' ');
}

export const checkExamples = `  $ wisp token check demo "$(wisp token demo)"
  $ wisp token check acme --stdin --stack Wisp < token.txt`;
