import { describe, expect, it } from 'vitest';
import {
  type DoorItem,
  decodeDoorMessage,
  encodeDoorMessages,
  maxDoorChannels,
  maxDoorMessageBytes,
} from '../../lib/wire/back-door.ts';
import { encodeChunks, encodePackets } from '../../lib/wire/index.ts';

const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe('messages to a back door', () => {
  const vectors: { name: string; items: DoorItem[]; texts: string[] }[] = [
    { name: 'nothing', items: [], texts: [] },
    {
      name: 'a text for three channels',
      items: [{ to: [1, 2, 3], text: 'MAcAAWFoaQ==' }],
      texts: ['{"v":1,"items":[{"to":[1,2,3],"text":"MAcAAWFoaQ=="}]}'],
    },
    {
      name: 'the last text, then the close',
      items: [
        { to: [4], text: '4AA=' },
        { to: [4], close: true },
      ],
      texts: ['{"v":1,"items":[{"to":[4],"text":"4AA="},{"to":[4],"close":true}]}'],
    },
    {
      name: 'a row that has changed',
      items: [{ to: [5], reread: true }],
      texts: ['{"v":1,"items":[{"to":[5],"reread":true}]}'],
    },
  ];

  it.each(vectors)('has the form of docs/wire.md: $name', ({ items, texts }) => {
    const messages = encodeDoorMessages(items);
    expect(messages.map(({ text }) => text)).toEqual(texts);
    expect(texts.flatMap((text) => decodeDoorMessage(text) ?? [])).toEqual(items);
  });

  const largest = encodeChunks('zzzzzzzz', new Uint8Array(131_072))[0] ?? '';
  const bulks: [string, DoorItem[]][] = [
    ['the largest text for many channels', [{ to: range(2_000, 5_000_000), text: largest }]],
    ['more channels than a message may have', [{ to: range(10_000), text: 'MAcAAWFoaQ==' }]],
    [
      'many items',
      range(3_000).map((channel) => ({ to: [channel], text: encodePackets(new Uint8Array(90)) })),
    ],
    ['closes of everything', [{ to: range(9_000, Number.MAX_SAFE_INTEGER - 9_000), close: true }]],
    ['texts of all sizes', range(300).map((size) => ({ to: [size, 7], text: 'A'.repeat(1 + size * 100) }))],
  ];

  it.each(bulks)('splits within its bounds and loses nothing: %s', (_, items) => {
    const messages = encodeDoorMessages(items);
    const flat = (list: readonly DoorItem[]) =>
      list.flatMap(({ to, ...action }) => to.map((channel) => ({ channel, ...action })));
    for (const { text, items: held } of messages) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxDoorMessageBytes);
      expect(decodeDoorMessage(text)).toEqual(held);
    }
    expect(flat(messages.flatMap(({ items: held }) => held))).toEqual(flat(items));
  });
});

const one = (item: string): string => `{"v":1,"items":[${item}]}`;

it.each([
  ['nothing', ''],
  ['no JSON', 'hello'],
  ['another type', '[]'],
  ['null', 'null'],
  ['no version', '{"items":[]}'],
  ['an unknown version', '{"v":2,"items":[]}'],
  ['no items', '{"v":1}'],
  ['items that are none', '{"v":1,"items":{"length":1}}'],
  ['an item that is none', one('7')],
  ['no channels', one('{"text":"AA=="}')],
  ['an empty list of channels', one('{"to":[],"text":"AA=="}')],
  ['channels that are no list', one('{"to":"1","text":"AA=="}')],
  ['a negative channel', one('{"to":[-1],"text":"AA=="}')],
  ['a fraction', one('{"to":[1.5],"text":"AA=="}')],
  ['a channel beyond safe integers', one('{"to":[9007199254740992],"text":"AA=="}')],
  ['a channel as text', one('{"to":["1"],"text":"AA=="}')],
  ['neither text nor close', one('{"to":[1]}')],
  ['text and close', one('{"to":[1],"text":"AA==","close":true}')],
  ['a close that is not true', one('{"to":[1],"close":1}')],
  ['an empty text', one('{"to":[1],"text":""}')],
  ['a text that is none', one('{"to":[1],"text":{}}')],
  ['a text beyond its bound', one(`{"to":[1],"text":"${'A'.repeat(32_101)}"}`)],
  ['too many channels', one(`{"to":[${range(maxDoorChannels + 1)}],"close":true}`)],
  [
    'too many channels in all',
    one(`{"to":[${range(4_000)}],"close":true},{"to":[${range(100)}],"close":true}`),
  ],
  ['too many bytes', `${' '.repeat(maxDoorMessageBytes)}${one('{"to":[1],"close":true}')}`],
  ['deep nesting', `${'['.repeat(16_000)}`],
])('takes no message with %s', (_, text) => {
  expect(decodeDoorMessage(text)).toBeUndefined();
});

it('takes nothing of a message with one bad item', () => {
  expect(decodeDoorMessage(one('{"to":[1],"close":true},{"to":[2]}'))).toBeUndefined();
});

it('ignores members of later releases', () => {
  expect(decodeDoorMessage('{"v":1,"sender":"x","items":[{"to":[1],"close":true,"why":2}]}')).toEqual([
    { to: [1], close: true },
  ]);
});
