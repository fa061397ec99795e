import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { closeOf, connack, connectPacket, refusal, startBridged, webSocketTo } from './bridged.ts';

describe('a WebSocket client', () => {
  it('forwards its token and Authorization header [MQTT-6.0.0-4 v3+v5]', async () => {
    const { server, bridge } = await startBridged();
    const socket = webSocketTo(bridge, '/mqtt?token=a%2Fb', ['mqtt'], { Authorization: 'Bearer t' });
    await once(socket, 'open');
    const request = server.peers[0]?.request;
    expect(request?.url).toBe('/mqtt?token=a%2Fb');
    expect(request?.headers.authorization).toBe('Bearer t');
    expect(socket.protocol).toBe('mqtt');
  });

  it.each([
    [401, 401],
    [403, 403],
    [429, 429],
    [500, 502],
  ])('gets the status of the upstream handshake: %i becomes %i', async (upstream, expected) => {
    const { bridge } = await startBridged({ refuse: () => upstream });
    expect(await refusal(webSocketTo(bridge))).toBe(expected);
  });

  it.each([
    ['another path', '/other', ['mqtt'], 404],
    ['no subprotocol', '/mqtt', [], 400],
    ['another subprotocol', '/mqtt', ['chat'], 400],
  ])('is refused with %s', async (_name, path, protocols, status) => {
    const { server, bridge } = await startBridged();
    expect(await refusal(webSocketTo(bridge, path, protocols))).toBe(status);
    expect(server.peers).toHaveLength(0);
  });

  it('with the adapter is told where the adapter connects, since a page does not see a status', async () => {
    const { server, bridge, entries } = await startBridged();
    const socket = webSocketTo(bridge, '/mqtt', ['wisp.b64.v1']);
    const [code, reason] = await once(socket, 'close');
    expect(code).toBe(4004);
    expect(String(reason)).toMatch(/stock MQTT clients; wisp-mqtt-client connects to the gateway/);
    expect(entries).toContainEqual(
      expect.objectContaining({ event: 'adapter-at-bridge', transport: 'websocket' }),
    );
    expect(server.peers).toHaveLength(0);
  });

  it('may offer mqttv3.1, and gets the subprotocol it offers [MQTT-6.0.0-4 v3+v5]', async () => {
    const { bridge } = await startBridged();
    const socket = webSocketTo(bridge, '/mqtt', ['mqttv3.1']);
    await once(socket, 'open');
    expect(socket.protocol).toBe('mqttv3.1');
    const usual = webSocketTo(bridge, '/mqtt', ['other', 'mqtt']);
    await once(usual, 'open');
    expect(usual.protocol).toBe('mqtt');
  });

  it('that sends text is closed with 1003 [MQTT-6.0.0-1 v3+v5]', async () => {
    const { bridge } = await startBridged();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    socket.send('EAwABE1RVFQEAgA8AAA=');
    expect(await closeOf(socket)).toBe(1003);
  });

  it.each([
    [1000, 1000],
    [1001, 1001],
    [1011, 1011],
  ])('is closed when upstream closes: %i becomes %i', async (upstream, expected) => {
    const { server, bridge } = await startBridged();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    server.peers[0]?.socket.close(upstream);
    expect(await closeOf(socket)).toBe(expected);
  });

  it('gets binary messages, however it splits its packets [MQTT-6.0.0-1 v3+v5, MQTT-6.0.0-2 v3+v5]', async () => {
    const { bridge } = await startBridged();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    for (let at = 0; at < connectPacket.length; at += 5) socket.send(connectPacket.subarray(at, at + 5));
    expect(await once(socket, 'message')).toEqual([connack, true]);
  });
});
