import { expect, it } from 'vitest';
import { formatOriginList, parseOriginList } from '../../lib/core/origins.ts';

it.each([
  ['*', ['*']],
  ['none', []],
  ['https://app.example.com', ['https://app.example.com']],
  ['https://a.example, http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
])('reads %s', (text, origins) => {
  expect(parseOriginList(text)).toEqual(origins);
  expect(parseOriginList(formatOriginList(origins))).toEqual(origins);
});

it.each([
  '',
  'app.example.com',
  'https://app.example.com/',
  'https://App.example.com',
  'https://a.example,',
  'null',
  'https://*.example.com',
])('refuses %s', (text) => {
  expect(parseOriginList(text)).toBeUndefined();
});
