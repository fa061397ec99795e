import type { AssumedRole, AwsTarget, RuleTarget } from '../../core/rules.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort } from '../../rules/target.ts';
import { type AwsClientOptions, cheapSettings } from '../settings.ts';
import { AssumeRoleError, outcomeOfAwsError } from './outcomes.ts';

/** How the clients of targets are made; `region` comes from the ARN of the target. */
export interface TargetClientOptions extends Omit<AwsClientOptions, 'region'> {
  /** Default: none. */
  readonly ownResources?: OwnResources;
}

/**
 * Names of what the worker's own role may write to for other reasons. A rule that named them would
 * write rows and queue messages of any tenant, so no rule may, in whatever account its ARN lies.
 */
export interface OwnResources {
  readonly queues: ReadonlySet<string>;
  readonly tables: ReadonlySet<string>;
}

/** A target of one kind. */
export type TargetOfKind<Kind extends AwsTarget['kind']> = Extract<AwsTarget, { readonly kind: Kind }> &
  Partial<AssumedRole>;

/** Settings of a client of the SDK. */
export type TargetClientSettings = ReturnType<typeof targetSettings>;

export interface AwsTargetDefinition<Kind extends AwsTarget['kind'], Client> {
  readonly kind: Kind;
  readonly maxBatch: number;
  arnOf(target: TargetOfKind<Kind>): string;
  /** Loads the SDK's module. */
  create(settings: TargetClientSettings): Promise<Client>;
  deliver(
    client: Client,
    target: TargetOfKind<Kind>,
    deliveries: readonly RuleDelivery[],
  ): Promise<readonly DeliveryOutcome[]>;
}

/** Deliveries of one call: as many entries as all batch requests of AWS take, and SQS gives. */
export const batchEntries = 10;

/** Clients that are kept, for each kind of target. */
const maxClients = 100;
/** The worker tries again later, so a function need not wait for many attempts. */
const maxAttempts = 2;

/**
 * A kind of target in AWS. There is a client for each region, and for each tenant and role where a
 * role is assumed. The first one loads the SDK's module, so that a function loads only what its
 * rules need.
 */
export function createAwsTarget<Kind extends AwsTarget['kind'], Client>(
  { ownResources, ...options }: TargetClientOptions,
  definition: AwsTargetDefinition<Kind, Client>,
): RuleTargetPort {
  const clients = new Map<string, Promise<Client>>();

  function clientFor(arn: string, roleArn: string | undefined, tenant: TenantId): Promise<Client> {
    const region = regionOfArn(arn);
    const key = roleArn === undefined ? region : `${region} ${roleArn} ${tenant}`;
    const known = clients.get(key);
    if (known !== undefined) return known;
    const [oldest] = clients.keys();
    if (clients.size >= maxClients && oldest !== undefined) clients.delete(oldest);
    const client = definition.create(targetSettings(options, region, roleArn, tenant));
    clients.set(key, client);
    client.catch(() => clients.delete(key));
    return client;
  }

  return {
    maxBatch: definition.maxBatch,
    async deliver({ target }, deliveries) {
      const [first] = deliveries;
      if (first === undefined) return [];
      if (!isOfKind(target, definition.kind)) throw new TypeError(`${target.kind} is not ${definition.kind}`);
      const arn = definition.arnOf(target);
      if (isOwn(arn, ownResources))
        return deliveries.map(() => ({ kind: 'refused', code: 'rule-target-access' }));
      try {
        const client = await clientFor(arn, target.roleArn, first.record.tenant);
        return await definition.deliver(client, target, deliveries);
      } catch (error) {
        return deliveries.map(() => outcomeOfAwsError(error));
      }
    },
  };
}

function isOfKind<Kind extends AwsTarget['kind']>(
  target: RuleTarget,
  kind: Kind,
): target is TargetOfKind<Kind> {
  return target.kind === kind;
}

function isOwn(arn: string, own: OwnResources | undefined): boolean {
  const service = arn.split(':')[2];
  if (service === 'sqs') return own?.queues.has(nameInArn(arn)) === true;
  return service === 'dynamodb' && own?.tables.has(nameInArn(arn)) === true;
}

function targetSettings(
  options: Omit<AwsClientOptions, 'region'>,
  region: string,
  roleArn: string | undefined,
  tenant: TenantId,
) {
  const regional = { ...options, region };
  const credentials =
    roleArn === undefined ? {} : { credentials: roleCredentials(regional, roleArn, tenant) };
  return { ...cheapSettings({ ...regional, ...credentials }), maxAttempts };
}

/**
 * Credentials of a role in another account, with the tenant as external id, so that no tenant can
 * name a role that trusts another one (IAM User Guide, "The confused deputy problem"). The SDK
 * keeps them until 5 minutes before they expire.
 */
function roleCredentials(options: AwsClientOptions, roleArn: string, tenant: TenantId) {
  return async () => {
    const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
    const client = new STSClient({ ...cheapSettings(options), maxAttempts });
    try {
      const { Credentials: found } = await client.send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: `wisp-${tenant}`.slice(0, 64),
          ExternalId: tenant,
        }),
      );
      if (found?.AccessKeyId === undefined || found.SecretAccessKey === undefined)
        throw new AssumeRoleError();
      return {
        accessKeyId: found.AccessKeyId,
        secretAccessKey: found.SecretAccessKey,
        ...(found.SessionToken === undefined ? {} : { sessionToken: found.SessionToken }),
        ...(found.Expiration === undefined ? {} : { expiration: found.Expiration }),
      };
    } catch {
      throw new AssumeRoleError();
    } finally {
      client.destroy();
    }
  };
}

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE` */
function regionOfArn(arn: string): string {
  return arn.split(':')[3] ?? '';
}

/** The resource of an ARN, without its type: `arn:aws:kinesis:R:A:stream/NAME` → `NAME`. */
export function nameInArn(arn: string): string {
  const resource = arn.split(':').slice(5).join(':');
  return resource.slice(resource.lastIndexOf('/') + 1);
}
