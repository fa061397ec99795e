import { createServer } from 'node:http';
import { listenOn } from '../listen.ts';
import { type ConsoleOptions, createConsole } from './index.ts';

export interface ConsoleServer {
  /** A URL that opens the console once, within ten minutes. */
  newUrl(): string;
  close(): Promise<void>;
}

/**
 * Serves the console of a deployment from this machine, on loopback alone. Other paths lead to it.
 *
 * @param options.port 0 picks a free one
 * @throws the server's error, such as `code` EADDRINUSE.
 */
export async function startConsole(
  options: ConsoleOptions & { readonly port: number },
): Promise<ConsoleServer> {
  const site = createConsole(options);
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== site.prefix && !path?.startsWith(`${site.prefix}/`)) {
      request.resume();
      response.writeHead(path === '/' ? 302 : 404, path === '/' ? { location: site.prefix } : {}).end();
      return;
    }
    site.serve(request, response).catch(() => response.destroy());
  });
  const { address, port } = await listenOn(server, '127.0.0.1', options.port);
  return {
    newUrl: () => `http://${address}:${port}${site.newLink()}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
