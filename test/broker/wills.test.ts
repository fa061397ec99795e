import { describe, expect, it } from 'vitest';
import { decodePackets } from '../../lib/mqtt/index.ts';
import type { Will } from '../../lib/mqtt/types.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, type ConnectFields, useSuite } from './suite.ts';

const suite = useSuite();
const versions = [3, 4, 5] as const;

function will(topic: string, fields: Partial<Will> = {}): Will {
  return { topic, payload: Buffer.from(suite.text(topic)), qos: 1, retain: false, ...fields };
}

async function watcher(filter = 'wills/#'): Promise<Connected> {
  const client = await suite.connect();
  await client.send(subscribe(1, { topic: filter, qos: 2 }));
  return client;
}

/** The messages that the watcher has received; it acknowledges none, since its window is large. */
const heard = async (client: Connected) => (await client.settle()).map(({ topic }) => topic);

describe('a Will is published [MQTT-3.1.2-8 v3+v5]', () => {
  for (const protocolVersion of versions) {
    const client = (topic: string, fields: ConnectFields = {}) =>
      suite.connect({ protocolVersion, will: will(topic), ...fields });

    it(`when the network is lost, version ${protocolVersion}`, async () => {
      const watching = await watcher();
      await suite.cut(await client('wills/cut'));
      expect(await heard(watching)).toEqual(['wills/cut']);
    });

    it(`when the client closes without DISCONNECT, version ${protocolVersion}`, async () => {
      const watching = await watcher();
      await (await client('wills/closed')).close();
      await suite.released(watching);
      expect(await heard(watching)).toEqual(['wills/closed']);
    });

    it(`after a protocol error, version ${protocolVersion}`, async () => {
      const watching = await watcher();
      const { closed } = await (await client('wills/error')).exchange('00');
      expect(closed).toBeDefined();
      expect(await heard(watching)).toEqual(['wills/error']);
    });

    it(`after 1.5 times the keep-alive, version ${protocolVersion} [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3, MQTT-3.2.2-22 v5]`, async () => {
      const watching = await watcher();
      const silent = await client('wills/silent', { keepalive: 20 });
      await suite.advance(29);
      expect(silent.isClosed).toBe(false);
      expect(await heard(watching)).toEqual([]);
      await suite.advance(1);
      await silent.closed;
      expect((await silent.exchangeText('.')).pushes).toMatchObject(
        protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode: 0x8d }] : [],
      );
      expect(await heard(watching)).toEqual(['wills/silent']);
    });

    it(`where the keep-alive finds a connection that nobody said was lost, version ${protocolVersion}`, async () => {
      const watching = await watcher();
      const lost = await client('wills/lost', { keepalive: 20 });
      await suite.cut(lost, 'silently');
      expect(await heard(watching)).toEqual([]);
      await suite.advance(30);
      expect(await heard(watching)).toEqual(['wills/lost']);
      expect(await suite.session(lost.clientId)).toBeUndefined();
    });

    it(`when another connection takes the session over, version ${protocolVersion} [MQTT-3.1.4-3 v5, MQTT-3.1.4-2 v3]`, async () => {
      const watching = await watcher();
      const clientId = `taken-${protocolVersion}`;
      const first = await client('wills/taken', { clientId });
      const second = await client('wills/second', { clientId });
      await first.closed;
      expect((await first.exchangeText('.')).pushes).toEqual(
        protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode: 0x8e }] : [],
      );
      expect(await heard(watching)).toEqual(['wills/taken']);
      expect(await second.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    });
  }

  it('when the client asks for it with DISCONNECT 0x04', async () => {
    const watching = await watcher();
    const client = await suite.connect({ will: will('wills/asked') });
    await client.exchange({ cmd: 'disconnect', reasonCode: 0x04 });
    expect(await heard(watching)).toEqual(['wills/asked']);
  });

  it('with its QoS, flag and properties [MQTT-3.1.2-14 v5, MQTT-3.1.2-15 v5, MQTT-3.1.2-16 v3, MQTT-3.1.2-17 v3]', async () => {
    const watching = await watcher('full/will');
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answer',
      correlationData: Buffer.from('7'),
      messageExpiryInterval: 60,
    };
    const client = await suite.connect({
      will: will('full/will', { qos: 2, retain: true, properties }),
    });
    await suite.advance(30);
    await suite.cut(client);
    const message = {
      topic: 'full/will',
      payload: suite.text('full/will'),
      properties: { ...properties, correlationData: '7' },
    };
    const [got] = await watching.settle();
    expect(got).toMatchObject({ ...message, qos: 2 });
    expect(got?.retain).toBeUndefined();
    const { pushes } = await watching.exchange(subscribe(2, 'full/will'));
    expect(pushes).toMatchObject([{ ...message, retain: true }]);
  });

  it('with its user properties in their order [MQTT-3.1.3-10 v5]', async () => {
    const watching = await watcher();
    const userProperties = [
      ['b', suite.secret],
      ['a', '1'],
      ['b', '2'],
    ] as const;
    await suite.cut(await suite.connect({ will: will('wills/user', { properties: { userProperties } }) }));
    expect(await heard(watching)).toEqual(['wills/user']);
    const [packet] = decodePackets(watching.pushedBytes[0] ?? Buffer.alloc(0), 5).packets;
    expect(packet).toMatchObject({ cmd: 'publish', properties: { userProperties } });
  });

  it.each([3, 4] as const)(
    'retained or not, as in CONNECT, version %i [MQTT-3.1.2-16 v3, MQTT-3.1.2-17 v3]',
    async (protocolVersion) => {
      const topic = `flag/${protocolVersion}`;
      const watching = await watcher(topic);
      for (const retain of [false, true]) {
        await suite.cut(await suite.connect({ protocolVersion, will: will(topic, { retain }) }));
        expect(await heard(watching)).toEqual([topic]);
        const { pushes } = await watching.exchange(subscribe(2, topic));
        expect(pushes.map((one) => one.retain)).toEqual(retain ? [true] : []);
      }
    },
  );

  it('and not retained without the flag; an empty payload clears', async () => {
    const watching = await watcher('clear/will');
    await watching.send(publish('clear/will', suite.text('x'), { retain: true }));
    await suite.cut(await suite.connect({ will: will('clear/will') }));
    await watching.settle();
    expect((await watching.exchange(subscribe(2, 'clear/will'))).pushes).toMatchObject([
      { payload: suite.text('x'), retain: true },
    ]);
    await suite.cut(
      await suite.connect({ will: will('clear/will', { payload: Buffer.alloc(0), retain: true }) }),
    );
    await watching.settle();
    expect((await watching.exchange(subscribe(2, 'clear/will'))).pushes).toEqual([]);
  });
});

describe('a Will is not published', () => {
  it.each(versions)(
    'after DISCONNECT, version %i [MQTT-3.1.2-12 v3, MQTT-3.1.2-10 v3+v5, MQTT-3.14.4-3 v3+v5]',
    async (protocolVersion) => {
      const watching = await watcher();
      const client = await suite.connect({ protocolVersion, will: will('wills/none') });
      await client.exchange({ cmd: 'disconnect' });
      await suite.released(watching);
      expect(await heard(watching)).toEqual([]);
      // The end of a later connection does not publish it either.
      await suite.cut(await suite.connect({ protocolVersion, clientId: client.clientId }));
      expect(await heard(watching)).toEqual([]);
    },
  );

  it('where CONNECT was refused', async () => {
    const watching = await watcher();
    const client = await suite.open();
    await client.exchange(await suite.connectPacket({ token: 'swordfish', will: will('wills/refused') }));
    expect(await heard(watching)).toEqual([]);
  });

  it('twice, whatever ends the connection', async () => {
    const watching = await watcher();
    const client = await suite.connect({ keepalive: 20, will: will('wills/once') });
    await suite.cut(client);
    await suite.advance(60);
    expect(await heard(watching)).toEqual(['wills/once']);
  });
});

describe('Will Delay [MQTT-3.1.3-9 v5]', () => {
  const delayed = (seconds: number, expiry: number, fields: ConnectFields = {}): ConnectFields => ({
    clean: false,
    ...fields,
    properties: { sessionExpiryInterval: expiry },
    will: will('wills/later', { properties: { willDelayInterval: seconds } }),
  });

  it('delays it', async () => {
    const watching = await watcher();
    await suite.cut(await suite.connect(delayed(30, 600)));
    await suite.advance(29);
    expect(await heard(watching)).toEqual([]);
    await suite.advance(2);
    expect(await heard(watching)).toEqual(['wills/later']);
  });

  it('ends with the session [MQTT-3.1.2-7 v5]', async () => {
    const watching = await watcher();
    await suite.cut(await suite.connect(delayed(120, 30)));
    await suite.advance(31);
    expect(await heard(watching)).toEqual(['wills/later']);
    await suite.advance(120);
    expect(await heard(watching)).toEqual([]);
  });

  it('does not apply where the session ends with the connection', async () => {
    const watching = await watcher();
    await suite.cut(await suite.connect(delayed(30, 0)));
    expect(await heard(watching)).toEqual(['wills/later']);
  });

  it('discards it where the client returns in time', async () => {
    const watching = await watcher();
    const fields = delayed(30, 600, { clientId: 'returns' });
    await suite.cut(await suite.connect(fields));
    await suite.advance(20);
    const back = await suite.connect(fields);
    expect(back.connack).toMatchObject({ sessionPresent: true });
    await suite.advance(60);
    expect(await heard(watching)).toEqual([]);
    // The new connection has its own Will.
    await suite.cut(back);
    await suite.advance(31);
    expect(await heard(watching)).toEqual(['wills/later']);
  });

  it('discards it where the client returns without a Will', async () => {
    const watching = await watcher();
    await suite.cut(await suite.connect(delayed(30, 600, { clientId: 'returns-bare' })));
    const { will: _, ...fields } = delayed(30, 600, { clientId: 'returns-bare' });
    await suite.connect(fields);
    await suite.advance(60);
    expect(await heard(watching)).toEqual([]);
  });

  it('discards it where another connection takes the session over', async () => {
    const watching = await watcher();
    const fields = delayed(30, 600, { clientId: 'goes-on' });
    const first = await suite.connect(fields);
    await suite.connect(fields);
    await first.closed;
    await suite.advance(60);
    expect(await heard(watching)).toEqual([]);
  });

  it('ends where the client returns with Clean Start', async () => {
    const watching = await watcher();
    await suite.cut(await suite.connect(delayed(30, 600, { clientId: 'starts-resumedClean' })));
    await suite.connect({ clientId: 'starts-resumedClean', clean: true });
    expect(await heard(watching)).toEqual(['wills/later']);
  });
});

describe('keep-alive and the authentication deadline', () => {
  it.each(versions)(
    'a client that sends packets in time stays connected, version %i',
    async (protocolVersion) => {
      const client = await suite.connect({ protocolVersion, keepalive: 20 });
      for (let round = 0; round < 5; round += 1) {
        await suite.advance(20);
        expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
      }
      // 1.5 times the keep-alive, and a slot that looks share.
      await suite.advance(34);
      await client.closed;
    },
  );

  it.each([3, 4] as const)('a keep-alive of 0 is not enforced, version %i', async (protocolVersion) => {
    const client = await suite.connect({ protocolVersion, keepalive: 0 });
    await suite.advance(590);
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
  });

  it('a socket without CONNECT is closed after 10 seconds', async () => {
    const silent = await suite.open();
    await suite.advance(9);
    expect(silent.isClosed).toBe(false);
    await suite.advance(2);
    await silent.closed;
    expect(silent.texts).toEqual([]);
  });

  it('a socket with an accepted CONNECT is not closed', async () => {
    const client = await suite.connect();
    await suite.advance(60);
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
  });
});
