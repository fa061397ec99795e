import { describe, expect, it } from 'vitest';
import { HandshakeRate } from '../../lib/listeners/handshake-rate.ts';
import type { ListenerRefusal } from '../../lib/listeners/options.ts';
import { cert, key } from '../support/certificate.ts';
import { closeOf, connectedTcp, startListening, tlsTo } from './listening.ts';

describe('TLS handshakes of one address', () => {
  it('above the rate are closed before they cost anything, with one entry in the log', async () => {
    const counted: ListenerRefusal[] = [];
    const { listeners, logged } = await startListening({
      mqttPort: 0,
      tls: { port: 0, key, cert },
      maxTlsHandshakesPerSecondPerAddress: 1,
      refused: (reason) => counted.push(reason),
    });
    const sockets = Array.from({ length: 100 }, () => tlsTo(listeners));
    let accepted = 0;
    await Promise.all(
      sockets.map(async (socket) => {
        const connected = new Promise((resolve) => socket.once('secureConnect', () => resolve('connected')));
        if ((await Promise.race([connected, closeOf(socket)])) === 'connected') accepted += 1;
      }),
    );
    // Four at once, and those of the seconds that the test takes.
    expect(accepted).toBeGreaterThanOrEqual(4);
    expect(accepted).toBeLessThan(50);
    expect(logged('tls-rate')).toMatchObject([{ transport: 'tls', address: '127.0.0.1' }]);
    expect(counted.filter((reason) => reason === 'tls-rate')).toHaveLength(100 - accepted);
    expect((await connectedTcp(listeners)).destroyed).toBe(false);
  });

  it('come back at the rate, and leave the others alone', () => {
    let nowMs = 1_000;
    const rate = new HandshakeRate(50, () => nowMs);
    const take = (address: string, count: number) =>
      Array.from({ length: count }, () => rate.take(address)).filter((answer) => answer === 'granted').length;
    expect(take('192.0.2.1', 10_000)).toBe(200);
    expect(take('::ffff:192.0.2.1', 1)).toBe(0);
    expect(take('192.0.2.2', 10_000)).toBe(200);
    nowMs += 1_000;
    expect(take('192.0.2.1', 10_000)).toBe(50);
    nowMs += 4_000;
    expect(take('192.0.2.1', 10_000)).toBe(200);
  });

  it('are reported once, until the address has paused', () => {
    let nowMs = 1_000;
    const rate = new HandshakeRate(1, () => nowMs);
    const answers = () => new Set(Array.from({ length: 10 }, () => rate.take('192.0.2.1')));
    expect([...answers()]).toEqual(['granted', 'refused', 'refused-again']);
    nowMs += 2_000;
    expect([...answers()]).toEqual(['granted', 'refused-again']);
    nowMs += 4_000;
    expect([...answers()]).toEqual(['granted', 'refused', 'refused-again']);
  });

  it('are forgotten with the seconds that they count in', () => {
    let nowMs = 1_000;
    const rate = new HandshakeRate(50, () => nowMs);
    for (let number = 0; number < 100_000; number += 1) {
      nowMs += 1;
      rate.take(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
    }
    expect(rate.size).toBeLessThan(100);
  });
});
