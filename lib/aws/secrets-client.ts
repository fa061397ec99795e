import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

export interface SecretsClient {
  /** @returns undefined if the secret has no version with that stage. */
  read(arn: string, stage: string): Promise<string | Uint8Array | undefined>;
}

export function createSecretsClient(options: AwsClientOptions): SecretsClient {
  const client = new SecretsManagerClient(cheapSettings(options));
  removeCostlyMiddleware(client.middlewareStack);
  return {
    async read(arn, stage) {
      try {
        const output = await client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: stage }));
        return output.SecretString ?? output.SecretBinary;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
  };
}
