import { request } from 'node:http';
import { expect, test } from 'vitest';
import { createRequestHandler, jsonResponse, serveAwsJson } from '../../lib/local/aws-json.ts';
import { startGateway } from '../../lib/local/gateway/index.ts';

/** Sends a request with these headers. @returns its status. */
function statusOf(url: string, method: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });
}

const pages = [
  ['a page that reaches loopback by its own host name', { host: 'rebound.example:8000' }],
  ['a page of another origin', { origin: 'https://evil.example' }],
  ['a page without an origin', { 'sec-fetch-site': 'same-origin' }],
] as const;

test.each(pages)('the emulated tables and queues refuse %s', async (_, headers) => {
  let calls = 0;
  const handler = createRequestHandler(async () => {
    calls += 1;
    return jsonResponse(200, {});
  });
  const listener = await serveAwsJson(handler);
  try {
    expect(await statusOf(listener.url, 'POST', headers)).toBe(403);
    expect(calls).toBe(0);
    expect(await statusOf(listener.url, 'POST', {})).toBe(200);
    expect(calls).toBe(1);
  } finally {
    await listener.close();
  }
});

test.each(pages)('@connections refuses %s', async (_, headers) => {
  const gateway = await startGateway({ port: 0, stage: 'mqtt', invoke: async () => ({ statusCode: 200 }) });
  try {
    const url = `${gateway.callbackUrl}/@connections/L0SM9cOFvHcCIhw%3D`;
    for (const method of ['POST', 'GET', 'DELETE']) {
      expect(await statusOf(url, method, headers)).toBe(403);
      expect(await statusOf(url, method, {})).toBe(410);
    }
  } finally {
    await gateway.close();
  }
});
