import { expect, it } from 'vitest';
import { emulatedUrl } from '../../lib/cli/emulated-url.ts';

const endpoint = 'http://127.0.0.1:4566';

it.each([
  ['of AWS', 'https://a1b2.execute-api.eu-west-1.amazonaws.com/admin'],
  ['of China', 'https://a1b2.execute-api.cn-north-1.amazonaws.com.cn/admin'],
  ['of the emulator', 'http://a1b2.execute-api.localhost:4566/admin'],
])('a host name %s becomes a path of the endpoint', (_, url) => {
  expect(emulatedUrl(url, endpoint)).toBe('http://127.0.0.1:4566/_aws/execute-api/a1b2/admin');
  expect(emulatedUrl(url, `${endpoint}/`)).toBe('http://127.0.0.1:4566/_aws/execute-api/a1b2/admin');
});

it.each([
  ['without an emulator', 'https://a1b2.execute-api.eu-west-1.amazonaws.com/admin', undefined],
  ['a name that resolves', 'http://a1b2.execute-api.localhost.localstack.cloud:4566/admin', endpoint],
  ['a domain of its own', 'https://mqtt.example.com/admin', endpoint],
])('stays as it is: %s', (_, url, at) => {
  expect(emulatedUrl(url, at)).toBe(url);
});
