import { expect, test } from 'vitest';
import { EventShapeError, sqsRecords, webSocketEvent } from '../../lib/aws/events.ts';

const requestContext = { connectionId: 'L0SM9cOFvHcCIhw=', routeKey: '$default' };

test('reads the members of each route', () => {
  expect(webSocketEvent({ requestContext, body: 'QUJD', isBase64Encoded: false })).toEqual({
    connectionId: 'L0SM9cOFvHcCIhw=',
    routeKey: '$default',
    body: 'QUJD',
    headers: {},
    query: {},
  });
  expect(
    webSocketEvent({
      requestContext,
      headers: { 'Sec-WebSocket-Protocol': 'wisp.b64.v1', HOST: 'x' },
      queryStringParameters: { Token: 'a', tenant: 'b' },
    }),
  ).toMatchObject({
    headers: { 'sec-websocket-protocol': 'wisp.b64.v1', host: 'x' },
    query: { Token: 'a', tenant: 'b' },
  });
});

test('leaves out values that are not texts; absent members are empty', () => {
  expect(
    webSocketEvent({
      requestContext,
      body: null,
      headers: { a: 1, b: 'x', c: null, d: ['y'] },
      queryStringParameters: null,
    }),
  ).toEqual({
    connectionId: 'L0SM9cOFvHcCIhw=',
    routeKey: '$default',
    body: '',
    headers: { b: 'x' },
    query: {},
  });
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'event'],
  ['no context', {}],
  ['a context that is none', { requestContext: 'x' }],
  ['no connection', { requestContext: {} }],
  ['an empty connection', { requestContext: { connectionId: '' } }],
  ['a connection that is a number', { requestContext: { connectionId: 7 } }],
  ['an HTTP API', { version: '2.0', requestContext: { http: {} }, rawPath: '/' }],
])('an event of another shape is refused: %s', (_, event) => {
  expect(() => webSocketEvent(event)).toThrow(EventShapeError);
});

test('reads the records of a queue', () => {
  const Records = [
    { messageId: '1', body: 'a', receiptHandle: 'r', attributes: {} },
    { messageId: '2', body: '', receiptHandle: 's', attributes: { ApproximateReceiveCount: '1' } },
  ];
  expect(sqsRecords({ Records })).toEqual([
    { messageId: '1', body: 'a', receiptHandle: 'r', receiveCount: 2 },
    { messageId: '2', body: '', receiptHandle: 's', receiveCount: 1 },
  ]);
  expect(sqsRecords({ Records: [] })).toEqual([]);
});

test.each([
  ['nothing', undefined],
  ['no records', {}],
  ['records that are no list', { Records: {} }],
  ['a record that is none', { Records: ['x'] }],
  ['a record without an id', { Records: [{ body: 'x' }] }],
  ['a record without a body', { Records: [{ messageId: '1' }] }],
])('an event of a queue of another shape is refused: %s', (_, event) => {
  expect(() => sqsRecords(event)).toThrow(EventShapeError);
});
