import type { SecretSource } from '../auth/index.ts';
import type { SecretsClient } from './secrets-client.ts';
import type { AwsClientOptions } from './settings.ts';

/** Version stages that are accepted: the previous one keeps tokens valid during a rotation. */
const stages = ['AWSCURRENT', 'AWSPREVIOUS'] as const;

/**
 * Shared secrets of issuers in AWS Secrets Manager, by ARN and from the region that the ARN names.
 * The SDK's client is loaded with the first secret, because most deployments have none.
 */
export function createSecretsManagerSource(options: AwsClientOptions = {}): SecretSource {
  const clients = new Map<string, Promise<SecretsClient>>();
  const clientFor = (region: string): Promise<SecretsClient> => {
    const known = clients.get(region);
    if (known !== undefined) return known;
    const client = import('./secrets-client.ts').then((module) =>
      module.createSecretsClient({ ...options, region }),
    );
    clients.set(region, client);
    return client;
  };

  return {
    async load(reference) {
      const client = await clientFor(regionOf(reference));
      const versions = await Promise.all(stages.map((stage) => client.read(reference, stage)));
      return versions.filter((version) => version !== undefined);
    },
  };
}

/** `arn:PARTITION:secretsmanager:REGION:…` */
function regionOf(arn: string): string {
  return arn.split(':')[3] ?? '';
}
