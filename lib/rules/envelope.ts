import { Buffer } from 'node:buffer';
import type { ReasonName } from '../core/reasons.ts';
import type { RuleRecord, RuleSend } from '../core/rules.ts';
import { validateTopicName } from '../topics/index.ts';
import { rememberCompiled } from './compiled-texts.ts';
import { type RuleEvent, utf8Of } from './event.ts';
import { compileTemplate, renderTemplate, renderWhole, type TemplateSource } from './template.ts';

/**
 * Version of the envelope, and of the document that templates see. Members may be added to a
 * version; a change that an older receiver would misread makes a new one. Its schema is
 * docs/rules-envelope.schema.json.
 */
const envelopeVersion = 1;

/** What is sent to a target, or why nothing can be. */
export type RenderedDelivery =
  | {
      readonly body: Uint8Array;
      /** Media type of the body. */
      readonly contentType: string;
    }
  | { readonly code: ReasonName };

/**
 * What a rule sends for one record.
 *
 * @param event the event of the record (`ruleEventOf`).
 */
export function renderDelivery(send: RuleSend, record: RuleRecord, event: RuleEvent): RenderedDelivery {
  if (send.form === 'payload')
    return { body: record.message.payload, contentType: payloadType(record, event) };
  if (send.form === 'envelope')
    return { body: Buffer.from(envelopeOf(record, event)), contentType: 'application/json' };
  const compiled = compiledTemplate(send.template);
  if ('fault' in compiled) return { code: 'rule-template' };
  const text = renderTemplate(compiled.template, sourceOf(record, event));
  if (text === undefined) return { code: 'rule-output-too-large' };
  const contentType = compiled.template.kind === 'json' ? 'application/json' : 'text/plain; charset=utf-8';
  return { body: Buffer.from(text), contentType };
}

/**
 * The topic that a rule publishes to again. A variable without a value is refused, because what is
 * left would be another topic; so is a topic that belongs to the server.
 *
 * @param topic a topic name, in which variables may stand as in a plain template.
 */
export function renderTopic(
  topic: string,
  record: RuleRecord,
  event: RuleEvent,
): { readonly topic: string } | { readonly code: ReasonName } {
  const compiled = compiledText(topic);
  if ('fault' in compiled || compiled.template.kind !== 'text') return { code: 'rule-template' };
  const rendered = renderWhole(compiled.template.parts, sourceOf(record, event));
  if (rendered === undefined || !isTopicOfTenant(rendered)) return { code: 'rule-topic' };
  return { topic: rendered };
}

/** Whether a tenant may publish to the topic: it is valid and does not belong to the server. */
export function isTopicOfTenant(topic: string): boolean {
  return validateTopicName(topic) === undefined && !topic.startsWith('$');
}

const compiledTemplate = rememberCompiled((text) => compileTemplate(text));
const compiledText = rememberCompiled((text) => compileTemplate(text, true));

/** The envelope as JSON. A payload that is JSON stands in it as it was published. */
function envelopeOf(record: RuleRecord, event: RuleEvent): string {
  const { payload } = record.message;
  const head = headOf(event);
  if (event.payload === undefined) return JSON.stringify({ ...head, ...plainPayload(payload) });
  return `${JSON.stringify(head).slice(0, -1)},"payload":${utf8Of(payload)?.trim()}}`;
}

function headOf(event: RuleEvent) {
  const { id, tenant, topic, time, clientId, qos, retain, properties } = event;
  return {
    version: envelopeVersion,
    id,
    tenant,
    topic,
    time,
    ...(clientId === undefined ? {} : { clientId }),
    qos,
    retain,
    properties,
  };
}

function plainPayload(payload: Uint8Array): { payloadText: string } | { payloadBase64: string } {
  const payloadText = utf8Of(payload);
  return payloadText === undefined
    ? { payloadBase64: Buffer.from(payload).toString('base64') }
    : { payloadText };
}

function sourceOf(record: RuleRecord, event: RuleEvent): TemplateSource {
  const head = headOf(event);
  const { payload } = event;
  return {
    document: {
      ...head,
      ...(payload === undefined ? plainPayload(record.message.payload) : { payload }),
      levels: event.levels,
    },
    event: head,
    rule: record.rule,
  };
}

const mediaType = /^[\w.+-]{1,64}\/[\w.+-]{1,64}(?:; ?[\w.+-]{1,64}=(?:[\w.+-]{1,64}|"[\w .+-]{1,64}"))?$/;

/** The message's own Content Type if it is a media type: it becomes a header. */
function payloadType({ message }: RuleRecord, event: RuleEvent): string {
  const { contentType, payloadFormatIndicator } = message.properties;
  if (contentType !== undefined && mediaType.test(contentType)) return contentType;
  if (event.payload !== undefined) return 'application/json';
  return payloadFormatIndicator === true ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}
