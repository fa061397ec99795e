import { connectStream } from '../../client/node.ts';
import { encodePacket, type Packet } from '../../mqtt/index.ts';

/** Longest wait for an answer. A cold start takes about a second. */
const answerMs = 15_000;

/** First half of the first byte of the packets that a probe waits for. */
export const packetTypes = { connack: 2, publish: 3, puback: 4, suback: 9 } as const;
export type AwaitedPacket = keyof typeof packetTypes;

/** An MQTT 3.1.1 client that does no more than the checks need. All its packets are short. */
export interface Probe {
  send(packet: Packet): void;
  /** The next packet of a type, whole. Others that come before it are kept. */
  next(type: AwaitedPacket): Promise<Buffer>;
  close(): void;
}

/** @param url WebSocket API of the deployment. */
export function openProbe(url: string): Probe {
  const stream = connectStream(url);
  const arrived: Buffer[] = [];
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  stream.on('data', (bytes: Buffer) => {
    for (let rest = bytes; rest.length > 1; ) {
      const end = 2 + (rest[1] ?? 0);
      arrived.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    wake();
  });
  stream.on('error', (error: Error) => {
    failure = error;
    wake();
  });
  stream.on('close', () => {
    failure ??= new Error('the service closed the connection');
    wake();
  });

  function take(type: AwaitedPacket): Buffer | undefined {
    const index = arrived.findIndex((packet) => (packet[0] ?? 0) >> 4 === packetTypes[type]);
    return index < 0 ? undefined : arrived.splice(index, 1)[0];
  }

  return {
    send: (packet) => void stream.write(encodePacket(packet, 4)),
    async next(type) {
      const endMs = performance.now() + answerMs;
      for (;;) {
        const packet = take(type);
        if (packet !== undefined) return packet;
        if (failure !== undefined) throw failure;
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) throw new Error(`no ${type.toUpperCase()} within ${answerMs / 1_000} s`);
        await new Promise<void>((resolve) => {
          const timeout = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timeout);
            resolve();
          };
        });
      }
    },
    close: () => void stream.destroy(),
  };
}
