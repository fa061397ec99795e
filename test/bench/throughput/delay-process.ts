/** Child process with a TCP proxy that delays all bytes in each direction. */
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';
import { serve } from '../process.ts';

const offered = {
  /**
   * @returns the port of a proxy that forwards to `port` with a delay of `oneWayMs` per direction.
   */
  async listen({ port, oneWayMs }: { port: number; oneWayMs: number }): Promise<number> {
    const server = createServer({ noDelay: true }, (near) => {
      const far = tcpConnect({ host: '127.0.0.1', port, noDelay: true });
      pass(near, far, oneWayMs);
      pass(far, near, oneWayMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
};
export type DelayProcess = typeof offered;

/** Keeps the order of the bytes, because timers of equal delay fire in the order of creation. */
function pass(from: Socket, to: Socket, oneWayMs: number): void {
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), oneWayMs));
  from.on('end', () => setTimeout(() => to.end(), oneWayMs));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), oneWayMs));
}

serve(offered);
