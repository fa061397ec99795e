import * as v from 'valibot';
import { mayPublishTo } from '../../broker/judge-publish.ts';
import type { Qos, TenantLive } from '../../core/model.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import { hourOf } from '../../core/usage.ts';
import { closedObject, wholeNumber } from '../../core/validation.ts';
import { isExpired } from '../../delivery/post.ts';
import { Problem } from '../../http/problem.ts';
import { checkedParameters, literalParameters, parameter } from '../../http/read.ts';
import { candidateFilters, validateTopicName } from '../../topics/index.ts';
import type { AdminContext } from '../context.ts';
import { type AdminCall, type AdminOperation, existingTenant } from '../request.ts';
import { subscriberPage } from '../subscribers.ts';
import { explainClient } from './client.ts';
import { type Finding, finding } from './findings.ts';
import { type Imagined, recipientOf } from './recipient.ts';

/** Bytes of a payload that may be asked about: the largest packet. */
const maxAskedBytes = 131_072;
const messageSchema = closedObject({
  qos: v.exactOptional(v.picklist([0, 1, 2], '0, 1 or 2'), 1),
  bytes: v.exactOptional(wholeNumber(0, maxAskedBytes), 0),
});

/**
 * Who would get a message on a topic, and what would become of it: the subscriptions that match,
 * each with session, rights and queue; the retained message; the rules; what this hour has refused.
 * With `?clientId=` it looks at one client alone, and says why that one would not get it.
 *
 * Reads rows as they are; nothing is published. A page costs about three reads for each subscriber.
 */
export const explainTopic: AdminOperation = async (call) => {
  const { context, request } = call;
  const { query } = request;
  const tenant = await existingTenant(call);
  const message = messageFrom(query);
  const live = await context.tenants.readLive(tenant, true);
  const clientId = query.has('clientId') ? checkedClientId(call, 'clientId') : undefined;
  const [recipients, client, retained, rules, refusals, findings] = await Promise.all([
    clientId === undefined ? page(call, tenant, live, message) : undefined,
    clientId === undefined ? undefined : explainClient(context, tenant, clientId, message),
    context.retained.get(tenant, message.topic),
    rulesOf(context, tenant, live, message.topic),
    refusalsNow(context, tenant),
    findingsOf(call, tenant, live, message),
  ]);
  const isRetained = retained !== undefined && !isExpired(retained, context.clock.nowMs());
  return {
    status: 200,
    body: {
      topic: message.topic,
      qos: message.qos,
      findings,
      ...recipients,
      ...(client === undefined ? {} : { client }),
      ...(isRetained ? { retained: { qos: retained.qos, payloadBytes: retained.payload.length } } : {}),
      rules,
      refusals,
    },
  };
};

function messageFrom(query: URLSearchParams): Imagined {
  const topic = parameter(query, 'topic');
  const flaw = validateTopicName(topic);
  if (flaw !== undefined) throw new Problem(flaw.code);
  const { qos, bytes } = checkedParameters(messageSchema, literalParameters(query, ['qos', 'bytes']));
  const publisher = query.has('publisher') ? parameter(query, 'publisher') : undefined;
  return { topic, qos: qos as Qos, bytes, ...(publisher === undefined ? {} : { publisher }) };
}

function checkedClientId({ context, request }: AdminCall, name: string): string {
  const clientId = parameter(request.query, name);
  const { maxClientIdBytes } = context.settings;
  if (Buffer.byteLength(clientId) > maxClientIdBytes || clientId.includes('\0'))
    throw new Problem('client-id', { detail: `at most ${maxClientIdBytes} bytes` });
  return clientId;
}

async function page(call: AdminCall, tenant: TenantId, live: TenantLive | undefined, message: Imagined) {
  const { context } = call;
  const { found, next } = await subscriberPage(call, tenant, live, message.topic);
  const addresses = found.flatMap(({ session: { address } }) => address ?? []);
  const connections = new Map(
    (await context.connections.getMany(addresses, true)).map((one) => [one.address, one]),
  );
  const recipients = await Promise.all(
    found.map(({ subscription, session }) => {
      const connection = session.address === undefined ? undefined : connections.get(session.address);
      return recipientOf(context, tenant, subscription, session, connection, message);
    }),
  );
  return { recipients, ...(next === undefined ? {} : { next }) };
}

/** What holds for every recipient: the tenant's state, and the rights of the publisher. */
async function findingsOf(
  call: AdminCall,
  tenant: TenantId,
  live: TenantLive | undefined,
  message: Imagined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (live?.status !== 'active') findings.push(finding('tenant-suspended'));
  if (message.publisher === undefined) return findings;
  const { context } = call;
  const clientId = checkedClientId(call, 'publisher');
  const session = await context.sessions.get({ tenant, clientId });
  const connection = session?.address && (await context.connections.get(session.address));
  if (message.topic.startsWith('$')) findings.push(finding('publish-dollar'));
  else if (!connection) findings.push(finding('publisher-offline'));
  else if (!mayPublishTo(connection.permissions, { ...message, retain: false }))
    findings.push(finding('publish-right-missing'));
  return findings;
}

/** Rules whose filter matches; whether a pattern selects the message depends on its content. */
async function rulesOf(
  context: AdminContext,
  tenant: TenantId,
  live: TenantLive | undefined,
  topic: string,
): Promise<object[]> {
  const filters = candidateFilters(live?.shapes ?? [], topic, live?.dollarApart);
  const pages = await Promise.all(
    filters.map((filter) => context.subscriptions.audience(tenant, filter, { consistent: true, limit: 1 })),
  );
  const names = [...new Set(pages.flatMap(({ rules }) => rules.map(({ name }) => name)))].sort();
  const stored = await Promise.all(names.map((name) => context.rules.read(tenant, name, true)));
  return stored.flatMap((one) => {
    if (one === undefined) return [];
    const { name, filter, status, where } = one.rule;
    return [{ name, filter, status, hasPattern: where !== undefined }];
  });
}

/** What has been refused of the tenant in the current hour, by code. */
async function refusalsNow({ usage, clock }: AdminContext, tenant: TenantId): Promise<object> {
  const hour = hourOf(clock.nowMs());
  const [now] = await usage.report(tenant, hour, hour);
  return now?.refusals ?? {};
}
