import { isUtf8 } from 'node:buffer';
import type { RetainedMessage } from '../core/model.ts';
import { messageBytes } from '../core/usage.ts';
import { isExpired } from '../delivery/post.ts';
import { Problem } from '../http/problem.ts';
import { parameter } from '../http/read.ts';
import { validateTopicName } from '../topics/index.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, existingTenant } from './request.ts';
import { isoTime } from './tenant-config.ts';

/**
 * Topics that hold a retained message, in UTF-8 byte order, without payloads; `?prefix=` narrows
 * them.
 */
export const listRetained: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = await existingTenant(call);
  const prefix = request.query.get('prefix') ?? '';
  const after = pageStart(request.query, 1)?.[0];
  const from = after === undefined ? prefix : `${after}\0`;
  const { messages, more } = await context.retained.page(tenant, prefix, from, pageLimit(request.query));
  const last = messages.at(-1);
  const nowMs = context.clock.nowMs();
  return {
    status: 200,
    body: {
      messages: messages.filter((message) => !isExpired(message, nowMs)).map(description),
      ...(more && last !== undefined ? { next: pageToken(last.topic) } : {}),
    },
  };
};

export const showRetained: AdminOperation = async (call) => {
  const { tenant, topic } = await named(call);
  const message = await call.context.retained.get(tenant, topic);
  if (message === undefined || isExpired(message, call.context.clock.nowMs()))
    throw new Problem('retained-unknown');
  const { payload } = message;
  const { contentType, responseTopic, correlationData, userProperties, payloadFormatIndicator } =
    message.properties;
  const readable = isUtf8(payload);
  return {
    status: 200,
    body: {
      ...description(message),
      payload: Buffer.from(payload).toString(readable ? 'utf8' : 'base64'),
      encoding: readable ? 'utf8' : 'base64',
      ...(contentType === undefined ? {} : { contentType }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined
        ? {}
        : { correlationData: Buffer.from(correlationData).toString('base64') }),
      ...(userProperties === undefined ? {} : { userProperties }),
      ...(payloadFormatIndicator === undefined ? {} : { utf8: payloadFormatIndicator }),
    },
  };
};

/** Deletes the message; subscribers are not notified. */
export const deleteRetained: AdminOperation = async (call) => {
  const { tenant, topic } = await named(call);
  const previous = await call.context.retained.delete(tenant, topic);
  if (previous === undefined) throw new Problem('retained-unknown');
  call.context.usage.count(tenant, { retainedMessages: -1, retainedBytes: -messageBytes(previous) });
  return { status: 204 };
};

async function named(call: AdminCall) {
  const tenant = await existingTenant(call);
  const topic = parameter(call.request.query, 'topic');
  const flaw = validateTopicName(topic);
  if (flaw !== undefined) throw new Problem(flaw.code);
  return { tenant, topic };
}

function description({ topic, qos, payload, expiresAtMs, publisher }: RetainedMessage): object {
  return {
    topic,
    qos,
    payloadBytes: payload.length,
    ...(expiresAtMs === undefined ? {} : { expiresAt: isoTime(expiresAtMs) }),
    ...(publisher === undefined ? {} : { publisher }),
  };
}
