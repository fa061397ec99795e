import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

/** The plain client with cheap settings, for sending: a long poll would outlast its timeout of 3 s. Add no middleware later. */
export function createSqsClient(options: AwsClientOptions = {}): SQSClient {
  const config: SQSClientConfig = cheapSettings(options);
  const client = new SQSClient(config);
  removeCostlyMiddleware(client.middlewareStack);
  return client;
}
