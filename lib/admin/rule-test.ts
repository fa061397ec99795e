import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import type { Message } from '../core/model.ts';
import { type ReasonName, reasonMessage } from '../core/reasons.ts';
import type { Rule, RuleRecord } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { boundedText, closedObject, isObject } from '../core/validation.ts';
import { laneOf } from '../delivery/rules.ts';
import type { HttpResponse } from '../http/message.ts';
import { Problem } from '../http/problem.ts';
import { base64Form, isEncoded, messageEntries } from '../http/publish-request.ts';
import { jsonBody } from '../http/read.ts';
import { requestedRule } from '../http/rule-resource.ts';
import { renderDelivery, renderTopic } from '../rules/envelope.ts';
import { type RuleEvent, ruleEventOf } from '../rules/event.ts';
import { ownHeaders } from '../rules/own-headers.ts';
import { selects } from '../rules/pattern/index.ts';
import { webhookHeaders } from '../rules/targets/signature.ts';
import { matches, validateTopicName } from '../topics/index.ts';
import type { AdminContext } from './context.ts';
import { type AdminOperation, existingTenant } from './request.ts';
import { namedRule } from './rules.ts';

const maxClientIdCharacters = 1_024;

const testedMessage = {
  ...messageEntries,
  clientId: v.exactOptional(
    v.pipe(boundedText(maxClientIdCharacters), v.description('The client that publishes it.')),
  ),
};

/** The message with which a rule is tested. */
export const testedMessageSchema = v.pipe(
  closedObject(testedMessage),
  v.forward(
    v.check((message) => isEncoded(message), base64Form),
    ['payload'],
  ),
);
type TestedMessage = v.InferOutput<typeof testedMessageSchema>;

/** A rule that need not be stored, and the message with which it is tested. */
export const testedRuleSchema = closedObject({
  rule: v.custom<object>(isObject, 'an object'),
  message: testedMessageSchema,
});

/** Whether a stored rule selects a message, and what it would send. Sends nothing. */
export const testRule: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  const message = jsonBody(call.request, testedMessageSchema);
  return rehearsed(call.context, tenant, stored.rule, message);
};

/** The same for a rule that need not be stored. */
export const testUnstoredRule: AdminOperation = async (call) => {
  const tenant = await existingTenant(call);
  const { rule: body, message } = jsonBody(call.request, testedRuleSchema);
  const rule = requestedRule(call.context, { tenant, name: 'test', body, existing: undefined });
  return rehearsed(call.context, tenant, rule, message);
};

function rehearsed(context: AdminContext, tenant: TenantId, rule: Rule, given: TestedMessage): HttpResponse {
  const flaw = validateTopicName(given.topic);
  if (flaw !== undefined) throw new Problem(flaw.code);
  const record: RuleRecord = {
    tenant,
    rule: rule.name,
    lane: laneOf(rule),
    message: messageOf(context.ids.unique(), given),
    publishedAtMs: context.clock.nowMs(),
    hops: 0,
  };
  const event = ruleEventOf(record);
  if (!matches(rule.filter, given.topic)) return notSelected('the filter does not match the topic');
  if (selects(rule.where, event) !== true) return notSelected('the pattern does not select the message');
  const rendered = renderDelivery(rule.send, record, event);
  if ('code' in rendered) return wouldFail(rendered.code);
  const call = callOf(rule, record, event, rendered.contentType);
  if ('code' in call) return wouldFail(call.code);
  const body = Buffer.from(rendered.body);
  const encoding = isUtf8(body) ? 'utf8' : 'base64';
  return { status: 200, body: { selected: true, ...call, body: body.toString(encoding), encoding } };
}

function notSelected(because: string): HttpResponse {
  return { status: 200, body: { selected: false, because } };
}

function wouldFail(code: ReasonName): HttpResponse {
  return { status: 200, body: { selected: true, failure: { code, message: reasonMessage(code) } } };
}

function messageOf(id: string, given: TestedMessage): Message {
  const { topic, payload, encoding, qos, retain, clientId } = given;
  const { contentType, responseTopic, correlationData, utf8, userProperties } = given;
  return {
    id,
    topic,
    payload: Buffer.from(payload, encoding),
    qos,
    retain,
    ...(clientId === undefined ? {} : { publisher: clientId }),
    properties: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }),
      ...(utf8 === undefined ? {} : { payloadFormatIndicator: utf8 }),
      ...(userProperties === undefined ? {} : { userProperties }),
    },
  };
}

type Call = { readonly would: string; readonly headers: Readonly<Record<string, string>> };

/** What is called with the body. A signature depends on secret and time, so it is left out. */
function callOf(
  { name, target }: Rule,
  record: RuleRecord,
  event: RuleEvent,
  contentType: string,
): Call | { readonly code: ReasonName } {
  const headers = { 'content-type': contentType };
  switch (target.kind) {
    case 'webhook': {
      const signed = {
        id: `${record.message.id}.${name}`,
        timestampSeconds: Math.floor(record.publishedAtMs / 1_000),
      };
      return {
        would: `POST ${target.url}`,
        headers: {
          'user-agent': 'Wisp',
          ...headers,
          ...ownHeaders(target.headers),
          ...webhookHeaders({ ...signed, body: new Uint8Array() }, []),
        },
      };
    }
    case 'sqs':
      return { would: `send a message to ${target.queueArn}`, headers };
    case 'sns':
      return { would: `publish to ${target.topicArn}`, headers };
    case 'eventbridge':
      return { would: `put an event on ${target.busArn}, detail type ${target.detailType}`, headers };
    case 'kinesis':
    case 'firehose':
      return { would: `put a record into ${target.streamArn}`, headers };
    case 'lambda':
      return { would: `invoke ${target.functionArn}`, headers };
    case 'dynamodb':
      return { would: `put an item into ${target.tableArn}`, headers };
    case 'kafka':
      return { would: `produce to ${target.topic}, key ${target.key ?? event.topic}`, headers };
    case 'republish': {
      const rendered = renderTopic(target.topic, record, event);
      if ('code' in rendered) return rendered;
      const retain = target.retain ? ', retained' : '';
      return { would: `publish to ${rendered.topic} at QoS ${target.qos}${retain}`, headers };
    }
  }
}
