import {
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { type Call, type FaultPlan, jitter, seededRandom } from '../../../lib/local/gateway/index.ts';
import { connectAs, gate, start } from './harness.ts';

const echo = ({ body = '' }) => ({ statusCode: 200, body: `echo ${body}` });
const bodyOf = ({ event }: Call) => ('body' in event ? event.body : undefined);
const post = (ConnectionId: string, Data: string) => new PostToConnectionCommand({ ConnectionId, Data });

test('an invocation can be delayed, so that a later one overtakes it', async () => {
  const { opened, open } = gate();
  const faults: FaultPlan = { delayInvoke: (call) => (bodyOf(call) === 'first' ? opened : undefined) };
  const service = await start({ $default: echo }, { faults });
  const { socket, next } = await connectAs(service);
  socket.send('first');
  socket.send('second');
  expect((await next()).text).toBe('echo second');
  expect(service.callsOf('$default').map(({ event }) => event.body)).toEqual(['second']);
  open();
  expect((await next()).text).toBe('echo first');
});

test('a delay in milliseconds runs on the clock and does not count towards the 29 s', async () => {
  const clock = createManualClock();
  const asked = gate();
  const faults: FaultPlan = {
    delayInvoke(call) {
      if (call.route !== '$default') return undefined;
      asked.open();
      return 500;
    },
  };
  const service = await start({ $default: echo }, { clock, faults });
  const { socket, next } = await connectAs(service);
  socket.send('x');
  await asked.opened;
  await clock.advance(499);
  expect(service.callsOf('$default')).toEqual([]);
  await clock.advance(1);
  const { context } = await service.called('$default');
  expect(context.deadlineMs).toBe(clock.now() + 29_000);
  expect((await next()).text).toBe('echo x');
});

test('a post can overtake a route response', async () => {
  const { opened, open } = gate();
  const service = await start({ $default: echo }, { faults: { delayRouteResponse: () => opened } });
  const { socket, next, connectionId } = await connectAs(service);
  socket.send('x');
  await service.called('$default');
  await service.client.send(post(connectionId, 'push'));
  expect((await next()).text).toBe('push');
  open();
  expect((await next()).text).toBe('echo x');
});

test('a route response can overtake a post; a post held until its client has left is 410', async () => {
  const { opened, open } = gate();
  const held = gate();
  const faults: FaultPlan = {
    delayPost() {
      held.open();
      return opened;
    },
  };
  const service = await start({ $default: echo }, { faults });
  const { socket, next, connectionId, received } = await connectAs(service);
  const posted = service.client.send(post(connectionId, 'push')).catch((error) => error);
  await held.opened;
  socket.send('x');
  expect((await next()).text).toBe('echo x');
  socket.close();
  await service.called('$disconnect');
  open();
  expect(await posted).toBeInstanceOf(GoneException);
  expect(received).toHaveLength(1);
});

test.each(['before', 'after'] as const)('an invocation can fail %s the function runs', async (moment) => {
  const faults: FaultPlan = { failInvocation: (call) => (bodyOf(call) === 'x' ? moment : undefined) };
  const service = await start({ $default: echo }, { faults });
  const { socket, next } = await connectAs(service);
  socket.send('x');
  expect((await next()).text).toMatch(/^\{"message": "Internal server error", /);
  expect(service.callsOf('$default')).toHaveLength(moment === 'before' ? 0 : 1);
  socket.send('y');
  expect((await next()).text).toBe('echo y');
  expect(service.gateway.meters.failedInvocations).toBe(1);
});

test('a route response can be lost', async () => {
  const faults: FaultPlan = { dropRouteResponse: (call) => bodyOf(call) === 'x' };
  const service = await start({ $default: echo }, { faults });
  const { socket, next, received } = await connectAs(service);
  socket.send('x');
  await service.called('$default');
  socket.send('y');
  expect((await next()).text).toBe('echo y');
  expect(received).toHaveLength(1);
});

test('$disconnect can be lost', async () => {
  const asked = gate();
  const faults: FaultPlan = {
    dropDisconnect() {
      asked.open();
      return true;
    },
  };
  const service = await start({}, { faults });
  const { socket } = await connectAs(service);
  socket.close();
  await asked.opened;
  await service.gateway.close();
  expect(service.callsOf('$disconnect')).toEqual([]);
  expect(service.gateway.connectionCount()).toBe(0);
});

test('a post can be answered with 429 or 500 without being sent', async () => {
  const refusals: (429 | 500 | undefined)[] = [429, 500];
  const service = await start({}, { faults: { refusePost: () => refusals.shift() } });
  const { next, connectionId } = await connectAs(service);
  const limited = await service.client.send(post(connectionId, '1')).catch((error) => error);
  expect(limited).toBeInstanceOf(LimitExceededException);
  const failed = await service.client.send(post(connectionId, '2')).catch((error) => error);
  expect(failed.$metadata.httpStatusCode).toBe(500);
  await service.client.send(post(connectionId, '3'));
  expect((await next()).text).toBe('3');
  expect(service.gateway.meters).toMatchObject({ posts: 1, refusedPosts: { 429: 1, 500: 1 } });
});

test('the network can be lost before an invocation, which still runs, and before its response', async () => {
  for (const at of ['invoke', 'routeResponse'] as const) {
    const faults: FaultPlan = { cut: (call, moment) => call.route === '$default' && moment === at };
    const service = await start({ $default: echo }, { faults });
    const { socket, closed, received, connectionId } = await connectAs(service);
    socket.send('x');
    expect((await closed).code).toBe(1006);
    expect(received).toEqual([]);
    const { event } = await service.called('$disconnect', connectionId);
    expect(event.requestContext.disconnectStatusCode).toBe(1006);
    await service.called('$default');
  }
});

test('the network can be lost while $connect runs', async () => {
  const faults: FaultPlan = { cut: ({ route }) => route === '$connect' };
  const service = await start({}, { faults });
  await expect(connectAs(service)).rejects.toThrow();
  await service.called('$disconnect');
  expect(service.gateway.connectionCount()).toBe(0);
});

test('a test can cut one connection', async () => {
  const service = await start();
  const one = await connectAs(service);
  const other = await connectAs(service);
  expect(service.gateway.cut(one.connectionId)).toBe(true);
  expect((await one.closed).code).toBe(1006);
  expect(service.gateway.cut(one.connectionId)).toBe(false);
  const { Identity } = await service.client.send(
    new GetConnectionCommand({ ConnectionId: other.connectionId }),
  );
  expect(Identity?.SourceIp).toBe('127.0.0.1');
});

test('a fault plan that throws fails only that invocation or post', async () => {
  const faults: FaultPlan = {
    delayInvoke(call) {
      if (bodyOf(call) === 'x') throw new Error('plan');
      return undefined;
    },
    delayPost: () => Promise.reject(new Error('plan')),
  };
  const service = await start({ $default: echo }, { faults });
  const { socket, next, connectionId } = await connectAs(service);
  socket.send('x');
  expect((await next()).text).toContain('Internal server error');
  const failed = await service.client.send(post(connectionId, '1')).catch((error) => error);
  expect(failed.$metadata.httpStatusCode).toBe(500);
  socket.send('y');
  expect((await next()).text).toBe('echo y');
});

test('one seed gives one order', async () => {
  const order = async (seed: number) => {
    const clock = createManualClock();
    const arrived = gate();
    let waiting = 0;
    const delay = jitter(100);
    const faults: FaultPlan = {
      delayInvoke(call) {
        if (call.route !== '$default') return undefined;
        if (++waiting === 10) arrived.open();
        return delay(call);
      },
    };
    const service = await start({}, { clock, faults, random: seededRandom(seed) });
    const { socket } = await connectAs(service);
    for (let count = 0; count < 10; count++) socket.send(String(count));
    await arrived.opened;
    await clock.advance(100);
    return service.callsOf('$default').map(({ event }) => event.body);
  };
  const first = await order(7);
  expect(first).toHaveLength(10);
  expect(first).not.toEqual([...first].sort());
  expect(await order(7)).toEqual(first);
  expect(await order(8)).not.toEqual(first);
});
