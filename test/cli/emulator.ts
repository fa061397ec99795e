import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { TestService } from '../support/service.ts';

/** Run after each test, the last first. */
export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/**
 * One endpoint for CloudFormation, DynamoDB, SQS, EventBridge and HTTP APIs, as emulators have it.
 *
 * @param events gets what is put on buses.
 */
export async function startEmulator(
  outputs: Readonly<Record<string, string>>,
  service?: TestService,
  events: { EventBusName: string; DetailType: string }[] = [],
) {
  const tables = await service?.exposeTables();
  const queues = (await service?.queues.listen())?.url;
  const server = createServer(async (request, response) => {
    const target = String(request.headers['x-amz-target'] ?? '');
    const upstream = target.startsWith('DynamoDB')
      ? tables
      : target.startsWith('AmazonSQS')
        ? queues
        : undefined;
    if (target === 'AWSEvents.PutEvents') {
      events.push(...JSON.parse(await bodyOf(request)).Entries);
      response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.1' });
      response.end('{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}');
      return;
    }
    const path = /^\/_aws\/execute-api\/\w+(\/.*)$/.exec(request.url ?? '')?.[1];
    if (path !== undefined && service !== undefined) {
      const body = await bodyOf(request);
      const answer = await fetch(`${new URL(service.adminUrl).origin}${path}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json' },
        ...(body === '' ? {} : { body }),
      });
      const isSigned = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true;
      response.writeHead(isSigned ? answer.status : 403, { 'Content-Type': 'application/json' });
      response.end(isSigned ? await answer.text() : '{"message":"Forbidden"}');
      return;
    }
    if (upstream === undefined) {
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end(describedStack(outputs));
      return;
    }
    const answer = await fetch(upstream, {
      method: 'POST',
      headers: {
        'content-type': String(request.headers['content-type']),
        'x-amz-target': target,
        authorization: String(request.headers.authorization),
      },
      body: await bodyOf(request),
    });
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? '' });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of request) body += String(piece);
  return body;
}

function describedStack(outputs: Readonly<Record<string, string>>): string {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>Wisp</StackName><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}
