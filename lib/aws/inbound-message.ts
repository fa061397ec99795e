import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { PublishRequest } from '../broker/judge-publish.ts';
import { type HttpReasonName, reasonMessage } from '../core/reasons.ts';
import { isTenantName, type TenantId, vouchedTenantId } from '../core/tenant-id.ts';
import { closedObject, validate } from '../core/validation.ts';
import { mqttText, propertyEntries, publishRequest } from '../http/publish-request.ts';
import type { SqsRecord } from './events.ts';

/** What a message of the inbound queue asks for. */
export interface InboundMessage {
  readonly tenant: TenantId;
  readonly clientId?: string;
  readonly request: PublishRequest;
  /** Of the message to publish. Equal for every receive of a message of the queue. */
  readonly id: string;
}

/** Why a message of the inbound queue can never be published. */
export interface InboundRefusal {
  readonly code: HttpReasonName;
  readonly message: string;
}

/** @param detail follows the message of the catalogue. */
export function inboundRefusal(code: HttpReasonName, detail?: string): InboundRefusal {
  return { code, message: reasonMessage(code, detail) };
}

const base64Form = 'base64 with padding';
const qosSchema = v.picklist([0, 1, 2], '0, 1 or 2');
const tenantForm = 'a tenant name';
const tenantSchema = v.pipe(v.string(tenantForm), v.check(isTenantName, tenantForm));

/** A JSON body. Of the payloads it has at most one. */
const inboundSchema = closedObject({
  tenant: tenantSchema,
  topic: v.string('a text'),
  payload: v.exactOptional(v.unknown()),
  payloadText: v.exactOptional(v.string('a text')),
  payloadBase64: v.exactOptional(v.pipe(v.string(base64Form), v.base64(base64Form))),
  qos: v.exactOptional(qosSchema, 0),
  retain: v.exactOptional(v.boolean('true or false'), false),
  properties: v.exactOptional(closedObject(propertyEntries), {}),
  id: v.exactOptional(v.pipe(mqttText, v.minLength(1, 'a text'), v.maxLength(256, 'at most 256 characters'))),
  clientId: v.exactOptional(v.pipe(mqttText, v.minLength(1, 'a text'))),
});

/** Message attributes of a body that is the payload itself; all values are texts. */
const attributesSchema = v.object({
  tenant: tenantSchema,
  topic: v.string('a text'),
  qos: v.exactOptional(v.picklist(['0', '1', '2'], '0, 1 or 2'), '0'),
  retain: v.exactOptional(v.picklist(['true', 'false'], 'true or false'), 'false'),
});

/**
 * Reads a message of the inbound queue. With the message attributes `tenant` and `topic` its body
 * is the payload; otherwise it is JSON.
 */
export function inboundMessage(record: SqsRecord): InboundMessage | InboundRefusal {
  const { messageAttributes = {}, body, messageId } = record;
  if ('tenant' in messageAttributes && 'topic' in messageAttributes) {
    const found = validate(attributesSchema, messageAttributes);
    if ('flaw' in found) return inboundRefusal('inbound-message', found.flaw);
    const { tenant, topic, qos, retain } = found.value;
    const options = { qos: Number(qos) as 0 | 1 | 2, retain: retain === 'true' };
    const request = publishRequest(topic, Buffer.from(body), options);
    return { tenant: vouchedTenantId(tenant), request, id: idOf(messageId) };
  }
  const json = jsonOf(body);
  if (json === undefined) return inboundRefusal('inbound-message', 'expected JSON');
  const found = validate(inboundSchema, json);
  if ('flaw' in found) return inboundRefusal('inbound-message', found.flaw);
  const { tenant, topic, qos, retain, properties, id, clientId, ...payloads } = found.value;
  if (Object.keys(payloads).length > 1)
    return inboundRefusal('inbound-message', 'only one of payload, payloadText and payloadBase64');
  return {
    tenant: vouchedTenantId(tenant),
    request: publishRequest(topic, payloadOf(payloads), { ...properties, qos, retain }),
    id: idOf(id === undefined ? messageId : `${tenant} ${id}`),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

function payloadOf(payloads: {
  readonly payload?: unknown;
  readonly payloadText?: string;
  readonly payloadBase64?: string;
}): Buffer {
  const { payload, payloadText, payloadBase64 } = payloads;
  if (payloadBase64 !== undefined) return Buffer.from(payloadBase64, 'base64');
  return Buffer.from(payloadText ?? (payload === undefined ? '' : JSON.stringify(payload)));
}

/** 50 characters, which every key and id that is made of it may hold. */
function idOf(name: string): string {
  return `inbound${createHash('sha256').update(name).digest('base64url')}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
