import { expect, it } from 'vitest';
import { greeting } from '../../lib/local/greeting.ts';

const facts = {
  url: 'ws://127.0.0.1:8080/mqtt',
  mqttPort: 1883,
  tlsPort: 8883,
  caPath: '/home/me/.wisp/tls/ca.pem',
  wsPort: 8083,
  tablesUrl: 'http://127.0.0.1:8000',
  queuesUrl: 'http://127.0.0.1:8001',
  adminUrl: 'http://127.0.0.1:8081/admin',
  publishUrl: 'http://127.0.0.1:8081/publish',
  consoleUrl: 'http://127.0.0.1:8081/console#ticket=abc',
  metricsUrl: 'http://127.0.0.1:8081/metrics',
  token: 'a.b.c',
};

it.each([
  ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
  ['::1', '::1', '[::1]'],
  ['::', '::1', '[::1]'],
])('on --host %s names addresses that a client can use', (host, client, inUrl) => {
  const text = greeting({ ...facts, host }).join('\n');
  expect(text).toContain(`mqtt://${inUrl}:1883\n`);
  expect(text).toContain(`ws://${inUrl}:8083/mqtt\n`);
  expect(text).toContain(`mosquitto_sub --cafile '/home/me/.wisp/tls/ca.pem' -h ${client} -p 8883 `);
  expect(text).toContain(`mosquitto_sub -h ${client} -p 1883 `);
  expect(text).toContain(`connect('ws://${inUrl}:8083/mqtt'`);
});

it('without the private key of the demo tenant shows how to get a token', () => {
  const text = greeting({ ...facts, host: '127.0.0.1', token: undefined }).join('\n');
  expect(text).not.toContain('TOKEN=');
  expect(text).toContain('npx wisp tenant create mine && npx wisp token mine');
});
