import { spawn } from 'node:child_process';
import { defaultSettings } from '../core/settings.ts';
import { startConsole } from '../local/console/server.ts';
import { fetchFailure } from '../local/fetch-failure.ts';
import { UserError } from '../local/operator/user-error.ts';
import type { AdminClient } from './admin-client.ts';
import { listenError } from './listen-error.ts';
import { adminApi, resolveTarget, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

export interface ConsoleFlags extends TargetOptions {
  readonly port: number;
  /** Whether to open a browser. */
  readonly open: boolean;
}

/**
 * Prints a link to the console and opens it.
 *
 * @returns closes the console that this process serves; undefined where the local service does
 * @throws UserError that says which flag to correct
 */
export async function runConsole(
  flags: ConsoleFlags,
  terminal: Terminal,
): Promise<(() => Promise<void>) | undefined> {
  const target = resolveTarget(flags);
  const connection = await target.connect();
  const api = adminApi(target, connection);
  if (target.isLocal) {
    tell(await linkOfService(api), flags, terminal);
    return undefined;
  }
  const { webSocketUrl, publishUrl } = connection;
  const { port } = flags;
  const server = await startConsole({
    port,
    about: {
      label: target.label,
      isLocal: false,
      adminUrl: api.url,
      ...(webSocketUrl === undefined ? {} : { mqttUrl: webSocketUrl }),
      ...(publishUrl === undefined ? {} : { publishUrl }),
      settings: defaultSettings,
    },
    admin: api,
    keyDirectory: target.keyDirectory,
    nowMs: Date.now,
  }).catch((error: unknown) => {
    throw listenError(error, '127.0.0.1', [['--port', port]]) ?? error;
  });
  terminal.out(`The console of ${target.label} is running. Ctrl-C ends it.`);
  tell(server.newUrl(), flags, terminal);
  return () => server.close();
}

/** The local service gives links to programs of this machine. */
async function linkOfService({ url }: AdminClient): Promise<string> {
  const { origin } = new URL(url);
  const response = await fetch(`${origin}/console/tickets`, { method: 'POST' }).catch((error: unknown) => {
    throw new UserError(
      'admin-api-silent',
      `the local service does not answer at ${origin} (${fetchFailure(error)})`,
    );
  });
  if (response.status !== 201)
    throw new UserError(
      'admin-api',
      `the local service has no console: ${origin} answers ${response.status}`,
    );
  const { link } = (await response.json()) as { readonly link: string };
  return `${origin}${link}`;
}

function tell(url: string, { open }: ConsoleFlags, terminal: Terminal): void {
  terminal.out(url);
  if (open) openBrowser(url);
}

/** Without a browser the printed link has to do. */
function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  const browser = spawn(command ?? '', [...args, url], { detached: true, stdio: 'ignore' });
  browser.on('error', () => {});
  browser.unref();
}
