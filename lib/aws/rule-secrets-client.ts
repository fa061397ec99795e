import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

export interface RuleSecretsClient {
  /** @returns undefined if there is no such secret. */
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
  delete(name: string): Promise<void>;
}

/** In a module of its own, which is loaded with the first rule that has a secret. */
export function createRuleSecretsClient(options: AwsClientOptions): RuleSecretsClient {
  const client = new SecretsManagerClient(cheapSettings(options));
  removeCostlyMiddleware(client.middlewareStack);
  const put = (SecretId: string, SecretString: string) =>
    client.send(new PutSecretValueCommand({ SecretId, SecretString }));
  return {
    async read(name) {
      try {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }));
        return SecretString;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    async write(name, text) {
      try {
        await put(name, text);
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        try {
          await client.send(new CreateSecretCommand({ Name: name, SecretString: text }));
        } catch (refusal) {
          // Another writer was first.
          if (!(refusal instanceof ResourceExistsException)) throw refusal;
          await put(name, text);
        }
      }
    },
    async delete(name) {
      try {
        // Without a recovery window: a rule of the same name may be created at once.
        await client.send(new DeleteSecretCommand({ SecretId: name, ForceDeleteWithoutRecovery: true }));
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    },
  };
}
