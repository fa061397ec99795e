import { expect, it } from 'vitest';
import { createMskTokens } from '../../lib/aws/msk-token.ts';

it('a token for MSK is a signed URL, in Base64url', async () => {
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: 't/+=' };
  const token = await createMskTokens(credentials)('eu-west-3');
  expect(token).toMatch(/^[\w-]+$/);
  const url = new URL(Buffer.from(token, 'base64url').toString());
  expect(`${url.origin}${url.pathname}`).toBe('https://kafka.eu-west-3.amazonaws.com/');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': expect.stringMatching(/^AKIA\/\d{8}\/eu-west-3\/kafka-cluster\/aws4_request$/),
    'X-Amz-Expires': '900',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Security-Token': 't/+=',
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    'User-Agent': 'wisp',
  });
});
