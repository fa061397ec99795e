import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type FetchText,
  type IssuerConfig,
  parseTenantConfig,
  type TenantAdmin,
  type TenantConfig,
  TenantConfigError,
} from '../../auth/index.ts';
import { UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import { type IssuerOptions, issuerFrom } from '../issuer-options.ts';
import { keySetFindings } from '../key-set-findings.ts';
import { addTargetOptions, collectValues, parseTenantName } from '../options.ts';
import { resolveTarget, type Target, type TargetOptions, unknownTenant } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { issuerWithoutSecret } from '../without-secrets.ts';

interface AddOptions extends IssuerOptions, TargetOptions {
  readonly requireKeys?: true;
}

/**
 * `wisp issuer add|list|remove`
 *
 * @param fetchKeys replaces the fetch of JWKS URLs, for tests
 */
export function addIssuerCommands(program: Command, terminal: Terminal, fetchKeys?: FetchText): void {
  const issuer = program.command('issuer').summary('add, list and remove issuers of a tenant');
  issuer
    .description('Issuers whose tokens a tenant accepts, their keys, and how their claims are mapped.')
    .addHelpText('after', ownExamples(help));

  addTargetOptions(addIssuerOptions(issuer.command('add')))
    .summary('accept tokens of another issuer')
    .description(
      'Adds an issuer. It takes effect within five seconds. Open connections are not affected. A JWKS URL is ' +
        'fetched once from here, and its keys are listed.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, options: AddOptions) => {
      const target = resolveTarget(options);
      const added = await issuerFrom(options);
      const findings = await keySetFindings(added, target, fetchKeys);
      if (findings !== undefined && !findings.isUsable && options.requireKeys)
        throw new UserError('keys-required', `${findings.lines.join('; ')}; nothing was added`);
      const { admin } = await target.connect();
      const config = await change(admin, target, tenant, (issuers) => [...issuers, added]);
      terminal.out(`Issuer ${config.issuers.length} of tenant ${tenant} added in ${target.label}.`);
      if (findings === undefined) return;
      for (const line of findings.lines) {
        if (findings.isUsable) terminal.out(line);
        else terminal.err(`warning: ${line}`);
      }
    });

  addTargetOptions(issuer.command('list'))
    .summary('list the issuers of a tenant')
    .description('Lists issuers: number, iss, where the keys are. Shared secrets are left out.')
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .option('--json', 'all details as JSON')
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, options: TargetOptions & { json?: true }) => {
      const target = resolveTarget(options);
      const { admin } = await target.connect();
      const config = await admin.show(tenant);
      if (config === undefined) throw unknownTenant(tenant, target);
      if (options.json) {
        terminal.out(JSON.stringify(config.issuers.map(issuerWithoutSecret), null, 2));
        return;
      }
      for (const [index, { iss, keys }] of config.issuers.entries()) {
        terminal.out(
          `${String(index + 1).padStart(2)}  ${(iss ?? '(any iss)').padEnd(48)}  ${keySource(keys)}`,
        );
      }
    });

  addTargetOptions(issuer.command('remove'))
    .summary('stop accepting tokens of an issuer')
    .description(
      'Removes the issuer with this number of "wisp issuer list". New connections with its tokens are refused; ' +
        'open connections end when their tokens expire.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .argument('<number>', 'number of the issuer', issuerNumber)
    .addHelpText('after', ownExamples(help))
    .action(async (tenant: string, number: number, options: TargetOptions) => {
      const target = resolveTarget(options);
      const { admin } = await target.connect();
      await change(admin, target, tenant, (issuers) => {
        if (number > issuers.length) {
          throw new UserError('issuer-unknown', `tenant ${tenant} has no issuer ${number}`);
        }
        return issuers.toSpliced(number - 1, 1);
      });
      terminal.out(`Issuer ${number} of tenant ${tenant} removed in ${target.label}.`);
    });
}

function addIssuerOptions(command: Command): Command {
  return command
    .option('--iss <iss>', 'the "iss" of its tokens (default: any; --jwks-url needs it)')
    .option('--audience <aud>', 'the "aud" of its tokens; may be repeated', collectValues)
    .option('--jwks-url <url>', 'its keys: a JWK set, fetched over https')
    .option('--jwks-file <file>', 'its keys: a JWK or JWK set in a file')
    .option('--pem-file <file>', 'its keys: PUBLIC KEY or CERTIFICATE blocks in a file')
    .option('--secret-arn <arn>', 'its shared secret (HS256) in AWS Secrets Manager')
    .option('--secret-file <file>', 'its shared secret (HS256) in a file; it is stored in the Tenants table')
    .addOption(
      new Option('--secret-encoding <encoding>', 'encoding of the secret').choices(['base64url', 'utf8']),
    )
    .option('--clock-tolerance <seconds>', 'leeway for "exp" and "nbf" (default: 0)', Number)
    .option('--max-token-seconds <seconds>', 'longest lifetime of its tokens, which then need "exp"', Number)
    .option('--client-id-claim <claim>', 'claim that names the client id')
    .option('--username-claim <claim>', 'claim that names the user')
    .option('--publish-claim <claim>', 'claim with the topic filters to publish to')
    .option('--subscribe-claim <claim>', 'claim with the topic filters to subscribe to')
    .option('--tenant-claim <claim>', 'claim that names the tenant')
    .option('--require <claim=value>', 'a claim that a token must have; may be repeated', collectValues)
    .option('--publish <filter>', 'default grant for tokens without grants; may be repeated', collectValues)
    .option('--subscribe <filter>', 'default grant for tokens without grants; may be repeated', collectValues)
    .option('--require-keys', 'add nothing if --jwks-url yields no key that can verify tokens')
    .option('--file <file>', 'the whole issuer as JSON, instead of the flags above');
}

/** Optimistic locking: repeats the change on the new revision if another process has written. */
async function change(
  admin: TenantAdmin,
  target: Target,
  tenant: string,
  edit: (issuers: readonly IssuerConfig[]) => readonly unknown[],
): Promise<TenantConfig> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const found = await admin.read(tenant);
    if (found === undefined) throw unknownTenant(tenant, target);
    const changed = checked({ ...found.config, issuers: edit(found.config.issuers) });
    if (await admin.update(tenant, found.revision, changed)) return changed;
  }
  throw new UserError('tenant-busy', `other processes are changing tenant ${tenant}; try again`);
}

const maxAttempts = 5;

function checked(config: unknown): TenantConfig {
  try {
    return parseTenantConfig(config);
  } catch (error) {
    if (error instanceof TenantConfigError)
      throw new UserError('tenant-config', error.message, { cause: error });
    throw error;
  }
}

function keySource(keys: IssuerConfig['keys']): string {
  switch (keys.kind) {
    case 'jwks-url':
      return keys.url;
    case 'secret-reference':
      return keys.reference;
    case 'inline':
      return `${keys.keys.length} public key${keys.keys.length === 1 ? '' : 's'}`;
    case 'pem':
      return 'public keys (PEM)';
    case 'secret':
      return 'shared secret';
  }
}

function issuerNumber(value: string): number {
  if (!/^[1-9]\d?$/.test(value)) throw new InvalidArgumentError('a number of "wisp issuer list".');
  return Number(value);
}

const help = `
Name a claim directly or by a JSON Pointer: sub, cognito:groups, /realm_access/roles.

Examples:
  $ wisp issuer add acme --iss https://acme.eu.auth0.com/ --audience https://mqtt.acme.example \\
      --jwks-url https://acme.eu.auth0.com/.well-known/jwks.json --publish 'users/\${sub}/#'
  $ wisp issuer add acme --pem-file partner.pem --iss partner
  $ wisp issuer add acme --file issuer.json
  $ wisp issuer list acme
  $ wisp issuer remove acme 2`;
