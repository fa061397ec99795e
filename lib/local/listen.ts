import type { AddressInfo, Server } from 'node:net';

/**
 * Starts a server and resolves with its address. Port 0 picks a free one.
 *
 * @throws the server's error, such as `code` EADDRINUSE.
 */
export async function listenOn(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server.address() as AddressInfo;
}
