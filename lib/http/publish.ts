import { resolvePermissions } from '../auth/index.ts';
import type { Publisher, PublishRequest } from '../broker/judge-publish.ts';
import { type PublishResult, publishRequests, type RateBearer } from '../broker/publish-requests.ts';
import type { Context } from '../core/context.ts';
import type { Identity } from '../core/permissions.ts';
import { identify, standingTenant } from './bearer.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import { type Caller, notingProblems } from './noted-problems.ts';
import { Problem, withProblems } from './problem.ts';
import { messageFromRequest, messagesFromBatch } from './publish-request.ts';
import { parameter } from './read.ts';

export const publishPrefix = '/publish';

/**
 * Publishing with a tenant's JWT: `POST /publish/{topic}` or `POST /publish?topic=` with the
 * payload as body, or `POST /publish` with a batch as JSON. docs/admin.md describes the parameters.
 */
export function publishOverHttp(context: Context, request: HttpRequest): Promise<HttpResponse> {
  return withProblems(async () => {
    const { results, single } = await notingProblems(context, (caller) => publish(context, request, caller));
    if (!single) return { status: 200, body: { results: results.map(resultJson) } };
    const [result] = results;
    if (result === undefined) throw new Error('no result for a request');
    if (result.code !== undefined) throw new Problem(result.code, result);
    return { status: 200, body: { reasonCode: result.reasonCode } };
  });
}

async function publish(
  context: Context,
  request: HttpRequest,
  caller: Caller,
): Promise<{ readonly results: PublishResult[]; readonly single: boolean }> {
  const { method, path, query } = request;
  if (path !== publishPrefix && !path.startsWith(`${publishPrefix}/`)) throw new Problem('not-found');
  if (method !== 'POST')
    throw new Problem('method', { detail: 'only POST', headers: { allow: 'POST, OPTIONS' } });
  const identity = await identify(context, request, caller);
  const publisher = publisherOf(context, identity, query);
  const single = path !== publishPrefix || query.has('topic');
  const requests = single
    ? [messageFromRequest(request, query.get('topic') ?? path.slice(publishPrefix.length + 1))]
    : messagesFromBatch(request);
  const results = await publishForTenant(context, identity, publisher, requests);
  return { results, single };
}

async function publishForTenant(
  context: Context,
  identity: Identity,
  publisher: Publisher & RateBearer,
  requests: readonly PublishRequest[],
): Promise<PublishResult[]> {
  const { tenant } = identity;
  const { clientId } = publisher;
  const live = await standingTenant(context, identity, {
    consistent: requests.some(({ qos }) => qos > 0),
    clientId,
  });
  return publishRequests(context, tenant, live, publisher, requests);
}

/** The client that publishes: the client id of the token, or `?clientId=`. */
function publisherOf(
  { settings: { maxClientIdBytes } }: Context,
  identity: Identity,
  query: URLSearchParams,
): Publisher & RateBearer {
  const named = query.has('clientId') ? parameter(query, 'clientId') : undefined;
  if (identity.clientId !== undefined && named !== undefined && named !== identity.clientId)
    throw new Problem('client-id-not-granted');
  if (named !== undefined && (Buffer.byteLength(named) > maxClientIdBytes || named.includes('\0')))
    throw new Problem('client-id', { detail: `at most ${maxClientIdBytes} bytes` });
  const clientId = identity.clientId ?? named;
  const permissions = resolvePermissions(identity);
  const { quotas, subject = '' } = identity;
  return {
    permissions,
    // The client id or subject of the token: a client id of the request could differ each time.
    rateName: identity.clientId === undefined ? `sub:${subject}` : `client:${identity.clientId}`,
    ...(quotas === undefined ? {} : { quotas }),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

/** One result of a batch. */
export function resultJson({ reasonCode, code, message }: PublishResult): object {
  return code === undefined ? { reasonCode } : { reasonCode, code, detail: message };
}
