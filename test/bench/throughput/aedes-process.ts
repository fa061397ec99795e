/** Child process that runs Aedes with in-memory persistence over TCP or WebSocket. */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { serve } from '../process.ts';
import type { Listening } from './listening.ts';

const offered = {
  async start({ transport }: { transport: 'tcp' | 'ws' }): Promise<Listening> {
    const aedes = await Aedes.createBroker();
    const server =
      transport === 'tcp' ? createServer({ noDelay: true }, aedes.handle) : webSocketServer(aedes);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return { port: (server.address() as AddressInfo).port };
  },
};
export type AedesProcess = typeof offered;

function webSocketServer(aedes: Aedes): Server {
  const server = createHttpServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) =>
    aedes.handle(createWebSocketStream(socket), request),
  );
  return server;
}

serve(offered);
