import { describe, expect, it } from 'vitest';
import { createSecretsManagerSource } from '../../lib/aws/secrets.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createRequestHandler, inputOf, jsonResponse, operationOf } from '../../lib/local/aws-json.ts';

const arn = 'arn:aws:secretsmanager:eu-west-3:123456789012:secret:wisp/acme-AbCdEf';

/** The part of Secrets Manager that is called: versions by stage, and the requests. */
function secretsManager(versions: Readonly<Record<string, object>>) {
  const asked: object[] = [];
  const requestHandler = createRequestHandler(async (request) => {
    const input = inputOf(request) ?? {};
    const { VersionStage: stage } = input;
    asked.push({ operation: operationOf(request), host: request.headers.host, input });
    const found = versions[String(stage)];
    return found === undefined
      ? jsonResponse(400, { __type: 'ResourceNotFoundException', Message: 'no such stage' })
      : jsonResponse(200, { ARN: arn, Name: 'wisp/acme', VersionId: 'v', ...found });
  });
  return { asked, source: createSecretsManagerSource({ credentials: localCredentials, requestHandler }) };
}

describe('secrets of issuers in AWS Secrets Manager', () => {
  it('are read in the region of their ARN, the current version first', async () => {
    const { source, asked } = secretsManager({
      AWSPREVIOUS: { SecretBinary: Buffer.from('old').toString('base64') },
      AWSCURRENT: { SecretString: 'new' },
    });
    expect(await source.load(arn)).toEqual(['new', new Uint8Array(Buffer.from('old'))]);
    const host = 'secretsmanager.eu-west-3.amazonaws.com';
    expect(asked).toEqual([
      { operation: 'GetSecretValue', host, input: { SecretId: arn, VersionStage: 'AWSCURRENT' } },
      { operation: 'GetSecretValue', host, input: { SecretId: arn, VersionStage: 'AWSPREVIOUS' } },
    ]);
  });

  it('that were never rotated have one version; one that is gone has none', async () => {
    expect(await secretsManager({ AWSCURRENT: { SecretString: 'only' } }).source.load(arn)).toEqual(['only']);
    expect(await secretsManager({}).source.load(arn)).toEqual([]);
  });
});
