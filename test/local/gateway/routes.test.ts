import { describe, expect, test } from 'vitest';
import { createRouteSelector } from '../../../lib/local/gateway/routes.ts';
import { vectors } from '../../wire/vectors.ts';
import { connectAs, gate, start } from './harness.ts';

const echo = ({ body = '' }) => ({ statusCode: 200, body: `echo ${body}` });
const hello = '{"action":"hello"}';

describe('the route selection expression', () => {
  const select = createRouteSelector('$request.body.action', ['oneway']);
  test.each(vectors.routes)('$name: $route', ({ text, route }) => {
    expect(select(text)).toBe(route);
  });

  test.each(['$connect', '$disconnect', '$default'])('does not lead clients to %s', (action) => {
    expect(select(JSON.stringify({ action }))).toBe('$default');
  });

  test('may name a member of a member, in braces, whose value becomes a string', () => {
    const deep = createRouteSelector(`\${request.body.a.b}`, ['1', 'true', '{"c":2}']);
    expect([1, true, { c: 2 }, 2, null].map((b) => deep(JSON.stringify({ a: { b } })))).toEqual([
      '1',
      'true',
      '{"c":2}',
      '$default',
      '$default',
    ]);
  });

  test.each(['', '$request.header.x', '$request.body', 'request.body.action', '$request.body.a[0]'])(
    'of another form is refused: %j',
    (expression) => {
      expect(() => createRouteSelector(expression, [])).toThrow(TypeError);
    },
  );
});

describe("a route of the API's own", () => {
  test('receives the messages that name it; others go to $default', async () => {
    const service = await start({ hello: echo, $default: echo }, { routes: ['hello'] });
    const { socket, next, received } = await connectAs(service);
    socket.send(hello);
    const { event } = await service.called('hello');
    expect(event.requestContext).toMatchObject({ routeKey: 'hello', eventType: 'MESSAGE' });
    expect(event.requestContext.messageId).toBeDefined();
    expect(event.body).toBe(hello);
    socket.send('{"action":"bye"}');
    expect((await next()).text).toBe('echo {"action":"bye"}');
    expect(received).toHaveLength(1);
  });

  test('answers nothing, and costs one message', async () => {
    const service = await start({ hello: echo, $default: echo }, { routes: ['hello'] });
    const { socket, next, received } = await connectAs(service);
    for (let count = 0; count < 3; count++) socket.send(hello);
    socket.send('last');
    await next();
    expect(received).toHaveLength(1);
    expect(service.gateway.meters).toMatchObject({
      messagesIn: 4,
      meteredMessagesIn: 4,
      messagesOut: 1,
      routeResponses: 1,
      invocations: { hello: 3, $default: 1 },
    });
  });

  test.each([
    ['throws', () => Promise.reject(new Error('no'))],
    ['returns nothing', () => undefined],
  ])('tells the client if its function %s', async (_name, fail) => {
    const service = await start({ hello: fail }, { routes: ['hello'] });
    const { socket, next, connectionId } = await connectAs(service);
    socket.send(hello);
    expect((await next()).text).toMatch(
      `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"`,
    );
  });

  test('runs concurrently with other messages of its connection', async () => {
    const { opened, open } = gate();
    const service = await start(
      { hello: () => opened.then(() => echo({})), $default: echo },
      { routes: ['hello'] },
    );
    const { socket, next } = await connectAs(service);
    socket.send(hello);
    await service.called('hello');
    socket.send('second');
    expect((await next()).text).toBe('echo second');
    open();
  });
});
