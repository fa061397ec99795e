import { topicErrors } from '../../topics/errors.ts';
import { type Reason, withRemedies } from './reason.ts';

const http = 400;
const v3 = 0x80 as const;
const shorten = { http, remedy: 'Shorten the topic: the limit is part of the table keys (docs/quotas.md).' };
const flatten = { http, remedy: 'Use fewer levels (a/b has two); put details into the payload.' };
const noNull = { http, remedy: 'Remove U+0000 from the text.' };
const wellFormed = { http, remedy: 'Send well-formed Unicode: a surrogate occurs in pairs only.' };
const share = { http, remedy: 'Write shared subscriptions as $share/NAME/FILTER.' };

/** Topic names and filters; code and message come from lib/topics/errors.ts. */
const nameReasons = withRemedies(topicErrors, {
  'topic-empty': { http, remedy: 'Name a topic, or send a topic alias that has been set before.' },
  'topic-null-character': noNull,
  'topic-ill-formed': wellFormed,
  'topic-wildcard': { http, remedy: 'Publish to one topic; wildcards are for subscriptions.' },
  'topic-too-long': shorten,
  'topic-too-deep': flatten,
  'filter-empty': {
    http,
    remedy: 'Name a topic filter; # matches every topic that does not begin with $.',
  },
  'filter-null-character': noNull,
  'filter-ill-formed': wellFormed,
  'filter-wildcard-placement': { http, remedy: 'Write wildcards as whole levels: a/+/b, a/#.' },
  'filter-too-long': { ...shorten, v3 },
  'filter-too-deep': { ...flatten, v3 },
  'share-name-empty': share,
  'share-name-wildcard': share,
  'share-filter-missing': share,
});

export const topicReasons = {
  ...nameReasons,
  'response-topic-invalid': {
    reasonCode: 0x90,
    http: 400,
    message: 'the response topic is not a topic name',
    remedy: 'Use a topic name without wildcards as response topic, within the limits of topics.',
  },
  'topic-alias-invalid': {
    reasonCode: 0x94,
    message: 'the topic alias is above the Topic Alias Maximum of CONNACK',
    remedy: 'Use aliases from 1 to the maximum that CONNACK announces.',
  },
  'topic-alias-unknown': {
    reasonCode: 0x82,
    message: 'a topic name or a known topic alias is needed',
    remedy: 'Set an alias by a PUBLISH with topic and alias on the same connection before using it alone.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
