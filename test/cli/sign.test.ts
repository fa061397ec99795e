import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdminClient } from '../../lib/cli/admin-client.ts';
import { createSigner } from '../../lib/cli/sign.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
const received: { valid: boolean; authorization: string }[] = [];
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const authorization = request.headers.authorization ?? '';
    received.push({ valid: signatureOf(request, Buffer.concat(parts)) === authorization, authorization });
    response.setHeader('content-type', 'application/json');
    response.end('{"clients":[]}');
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The header that API Gateway expects for a request ("Create a signed AWS API request"). */
function signatureOf({ method, url = '', headers }: IncomingMessage, body: Buffer): string {
  const [path = '', query = ''] = url.split('?');
  const date = String(headers['x-amz-date']);
  const signedHeaders = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const canonicalQuery = [...new URLSearchParams(query)]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const canonicalHeaders = signedHeaders.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = [method, path, canonicalQuery, canonicalHeaders.join(''), signedHeaders, sha256(body)];
  const scope = `${date.slice(0, 8)}/eu-west-1/execute-api/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((from, part) => hmac(from, part), 'AWS4secret');
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

it('signs requests so that API Gateway finds the same signature, host, token and body included', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin`;
  const api = createAdminClient(url, createSigner(url, 'eu-west-1', credentials));
  await api.call('GET', '/acme/client?clientId=a%2Fb%20c%2B%C3%A4*%27');
  await api.call('PUT', '/acme', { quotas: { connections: 1 } });
  for await (const _ of api.all('/acme/clients', 'clients')) expect.unreachable();
  expect(received).toHaveLength(3);
  for (const { valid, authorization } of received) {
    expect(authorization).toMatch(/SignedHeaders=[^,]*host[^,]*x-amz-security-token/);
    expect(valid).toBe(true);
  }
});

it('takes the region from the URL', async () => {
  const sign = createSigner('https://abc.execute-api.ap-south-1.amazonaws.com/admin', undefined, credentials);
  const headers = await sign({
    method: 'GET',
    url: new URL('https://abc.execute-api.ap-south-1.amazonaws.com/admin/tenants'),
    headers: {},
  });
  expect(headers.authorization).toContain('/ap-south-1/execute-api/');
});
