import { describe, expect, test } from 'vitest';
import { isTopicError, parseFilter, topicLimits, validateTopicName } from '../../lib/topics/index.ts';

describe('topic names', () => {
  test.each([
    'a',
    '/',
    '//',
    'a/b',
    '/a',
    'a/',
    ' ',
    '$SYS/a',
    '$share/x',
    '\u0001',
    'ä/\u{1f600}',
    '=',
    'a b',
  ])('%j is valid', (topic) => expect(validateTopicName(topic)).toBeUndefined());

  test.each([
    ['', 'topic-empty', 0x82],
    ['a+', 'topic-wildcard', 0x90],
    ['a/+/b', 'topic-wildcard', 0x90],
    ['a/#', 'topic-wildcard', 0x90],
    ['#', 'topic-wildcard', 0x90],
    ['a\0', 'topic-null-character', 0x90],
    ['a\ud800', 'topic-ill-formed', 0x90],
    ['\udc00\ud800', 'topic-ill-formed', 0x90],
  ])('%j is refused: %s', (topic, code, reasonCode) => {
    expect(validateTopicName(topic)).toMatchObject({ code, reasonCode });
  });

  test('limits count UTF-8 bytes and levels', () => {
    const { maxBytes, maxNameLevels } = topicLimits;
    expect(validateTopicName('a'.repeat(maxBytes))).toBeUndefined();
    expect(validateTopicName('a'.repeat(maxBytes + 1))?.code).toBe('topic-too-long');
    expect(validateTopicName('ä'.repeat(maxBytes / 2))).toBeUndefined();
    expect(validateTopicName(`${'ä'.repeat(maxBytes / 2)}a`)?.code).toBe('topic-too-long');
    expect(validateTopicName('\u{1f600}'.repeat(maxBytes / 4))).toBeUndefined();
    expect(validateTopicName(`${'\u{1f600}'.repeat(maxBytes / 4)}a`)?.code).toBe('topic-too-long');
    expect(validateTopicName('/'.repeat(maxNameLevels - 1))).toBeUndefined();
    expect(validateTopicName('/'.repeat(maxNameLevels))?.code).toBe('topic-too-deep');
  });

  test('an error never repeats the topic', () => {
    const error = validateTopicName('patient-4711/+');
    expect(JSON.stringify(error)).not.toContain('4711');
  });
});

describe('topic filters', () => {
  test.each([
    'a',
    '#',
    '+',
    '+/+',
    '/',
    '/#',
    '/+',
    '+/',
    'a/#',
    'a//#',
    'a/+/b',
    '+/a/#',
    '$SYS/#',
    '$share',
    '$shared/x',
  ])('%j is valid', (text) => expect(parseFilter(text)).toEqual({ filter: text }));

  test.each([
    ['$share/group/a', 'a', 'group'],
    ['$share/group/#', '#', 'group'],
    ['$share/g//', '/', 'g'],
    ['$share/$g/$SYS/+', '$SYS/+', '$g'],
  ])('%j is a shared subscription', (text, filter, shareName) => {
    expect(parseFilter(text)).toEqual({ filter, shareName });
  });

  test.each([
    ['', 'filter-empty'],
    ['a#', 'filter-wildcard-placement'],
    ['a/b#', 'filter-wildcard-placement'],
    ['#/a', 'filter-wildcard-placement'],
    ['a/#/b', 'filter-wildcard-placement'],
    ['#/', 'filter-wildcard-placement'],
    ['##', 'filter-wildcard-placement'],
    ['#+', 'filter-wildcard-placement'],
    ['a+', 'filter-wildcard-placement'],
    ['+a', 'filter-wildcard-placement'],
    ['a/+b', 'filter-wildcard-placement'],
    ['a/b+/c', 'filter-wildcard-placement'],
    ['++', 'filter-wildcard-placement'],
    ['+#', 'filter-wildcard-placement'],
    ['a\0/+', 'filter-null-character'],
    ['\ud800', 'filter-ill-formed'],
    ['a'.repeat(1_025), 'filter-too-long'],
    [`$share/g/${'a'.repeat(1_020)}`, 'filter-too-long'],
    [`${'+/'.repeat(32)}#`, 'filter-too-deep'],
    ['$share/', 'share-name-empty'],
    ['$share//a', 'share-name-empty'],
    ['$share/g', 'share-filter-missing'],
    ['$share/g/', 'share-filter-missing'],
    ['$share/+/a', 'share-name-wildcard'],
    ['$share/g#/a', 'share-name-wildcard'],
    ['$share/g/a#', 'filter-wildcard-placement'],
  ])('%j is refused: %s', (text, code) => {
    const answer = parseFilter(text);
    expect(isTopicError(answer)).toBe(true);
    expect(answer).toMatchObject({ code, reasonCode: code.startsWith('filter-too-') ? 0x8f : 0x81 });
  });
});
