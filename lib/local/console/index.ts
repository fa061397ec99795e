import type { IncomingMessage, ServerResponse } from 'node:http';
import { quotaNames } from '../../core/quotas.ts';
import { reasons } from '../../core/reasons.ts';
import { boundedText, closedObject } from '../../core/validation.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import { Problem } from '../../http/problem.ts';
import { jsonBody } from '../../http/read.ts';
import { isFromProgram } from '../from-program.ts';
import { readRequestBody } from '../read-body.ts';
import { type AboutService, limitsOf, originsOf } from './about.ts';
import { type AdminApi, callAdmin } from './admin-proxy.ts';
import { builtPage, type PageFile, packageVersion, readPageFiles } from './files.ts';
import { cookieOf, isForThisMachine, isFromOwnPage } from './guard.ts';
import { createForPage, mintForPage, tenantsWithKey } from './keys.ts';
import { pageHeaders, send, sendAnswer } from './respond.ts';
import { createRuleSecret } from './rule-secret.ts';
import { createSecrets } from './secrets.ts';

export interface ConsoleOptions {
  readonly about: AboutService;
  /** The admin API that the page uses through this server. */
  readonly admin: AdminApi;
  /** Directory of the tenants' private keys. */
  readonly keyDirectory: string;
  readonly nowMs: () => number;
  /** Directory of the page; default: `dist/console` of the package. */
  readonly pageDirectory?: string;
}

/** The console's part of an HTTP server on loopback. */
export interface ConsoleSite {
  readonly prefix: typeof consolePrefix;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Path that opens the console once, within ten minutes: `/console#ticket=…`. */
  newLink(): string;
}

export const consolePrefix = '/console';

/** Largest body, in bytes: as HTTP APIs have it. */
const maxBodyBytes = 10 * 1024 * 1024;
const ticketMs = 10 * 60_000;
const sessionMs = 12 * 3_600_000;
/** A link that nobody opens makes room for newer ones. */
const maxTickets = 16;
const maxSessions = 64;

const ticketSchema = closedObject({ ticket: boundedText(64) });

/**
 * The console: static files, and what their scripts ask for. Only this machine may reach it. A link
 * with a ticket, which the operator's terminal shows, opens a session; the session is a cookie that
 * scripts cannot read and other sites cannot use. With it the page may use the admin API, which
 * keeps refusing browsers otherwise.
 */
export function createConsole(options: ConsoleOptions): ConsoleSite {
  const { about, nowMs } = options;
  const tickets = createSecrets({ maxSecrets: maxTickets, lifetimeMs: ticketMs, nowMs });
  const sessions = createSecrets({ maxSecrets: maxSessions, lifetimeMs: sessionMs, nowMs });
  const headers = pageHeaders(originsOf(about));
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const newLink = (): string => `${consolePrefix}#ticket=${tickets.issue()}`;

  function sendFile(response: ServerResponse, name: string, page: ReadonlyMap<string, PageFile>): void {
    const file = page.get(name);
    if (file === undefined) {
      const text = page.size === 0 ? notBuilt : 'There is no such page.';
      send(response, 404, { 'content-type': 'text/plain; charset=utf-8' }, `${text}\n`, headers);
      return;
    }
    const kept = file.isPermanent ? { 'cache-control': 'private, max-age=31536000, immutable' } : {};
    send(response, 200, { 'content-type': file.type }, file.bytes, { ...headers, ...kept });
  }

  return {
    prefix: consolePrefix,
    newLink,
    async serve(request, response) {
      const body = await readRequestBody(request, maxBodyBytes);
      const [path = '', query] = (request.url ?? '').split('?', 2);
      const name = path.slice(consolePrefix.length + 1);
      const { method = 'GET' } = request;
      const isRead = method === 'GET' || method === 'HEAD';
      if (isForThisMachine(request) && isRead && !resourceNames.has(name.split('/', 1)[0] ?? '')) {
        files ??= readPageFiles(options.pageDirectory ?? builtPage());
        return sendFile(response, name === '' ? 'index.html' : name, await files);
      }
      await sendAnswer(response, async () => {
        if (!isForThisMachine(request)) throw new Problem('console-foreign');
        if (body === undefined) throw new Problem('body', { detail: `at most ${maxBodyBytes} bytes` });
        const call: HttpRequest = {
          method,
          path: name,
          query: new URLSearchParams(query),
          headers: request.headers as Record<string, string>,
          body,
        };
        return await answer(call, request);
      });
    },
  };

  async function answer(call: HttpRequest, request: IncomingMessage): Promise<HttpResponse> {
    const { method, path } = call;
    if (`${method} ${path}` === 'POST tickets') {
      // Whoever may call the admin API without a signature may have a link.
      if (!isFromProgram(request)) throw new Problem('console-foreign');
      return { status: 201, body: { link: newLink() } };
    }
    if (!isFromOwnPage(request)) throw new Problem('console-foreign');
    const cookie = cookieName(request);
    if (`${method} ${path}` === 'POST session') {
      if (!tickets.takeBack(jsonBody(call, ticketSchema).ticket)) throw new Problem('console-ticket');
      const value = `${cookie}=${sessions.issue()}`;
      return {
        status: 204,
        headers: { 'set-cookie': `${value}; ${cookieRules}; Max-Age=${sessionMs / 1_000}` },
      };
    }
    const session = cookieOf(request, cookie);
    if (session === undefined || !sessions.isValid(session)) throw new Problem('console-session');
    if (path.startsWith('admin/')) return forward(call, request);
    switch (`${method} ${path}`) {
      case 'DELETE session':
        sessions.takeBack(session);
        return { status: 204, headers: { 'set-cookie': `${cookie}=; ${cookieRules}; Max-Age=0` } };
      case 'GET about':
        return { status: 200, body: await describeService(options) };
      case 'GET reasons':
        return { status: 200, body: remedies };
      case 'POST tokens':
        return mintForPage(call, options.keyDirectory, nowMs());
      case 'POST rule-secrets':
        return createRuleSecret(call, options.admin, options.keyDirectory);
      case 'POST tenants':
        return createForPage(call, options.admin, {
          keyDirectory: options.keyDirectory,
          reuseKey: about.isLocal,
          nowMs: nowMs(),
        });
      default:
        throw new Problem('not-found');
    }
  }

  async function forward({ method, body, headers: given }: HttpRequest, { url = '' }: IncomingMessage) {
    // Browsers send JSON to another origin only after that origin has agreed.
    if (body.length > 0 && !(given['content-type'] ?? '').startsWith('application/json'))
      throw new Problem('content-type');
    const text = body.length === 0 ? undefined : Buffer.from(body).toString('utf8');
    return callAdmin(options.admin, method, url.slice(`${consolePrefix}/admin`.length), text);
  }
}

async function describeService({ about, keyDirectory }: ConsoleOptions): Promise<object> {
  const { settings, ...rest } = about;
  const [version, mintable] = await Promise.all([packageVersion(), tenantsWithKey(keyDirectory)]);
  const { defaultQuotas } = settings;
  return { ...rest, version, mintable, limits: limitsOf(settings), quotas: quotaNames, defaultQuotas };
}

/** First levels below the prefix that are not files. */
const resourceNames: ReadonlySet<string> = new Set([
  'about',
  'admin',
  'reasons',
  'rule-secrets',
  'session',
  'tenants',
  'tickets',
  'tokens',
]);

/** What to do about each code, for the page's messages. */
const remedies = Object.fromEntries(Object.entries(reasons).map(([code, { remedy }]) => [code, remedy]));

const cookieRules = `HttpOnly; SameSite=Strict; Path=${consolePrefix}`;

/** Cookies do not tell ports apart, and several consoles may run on this machine. */
function cookieName({ headers }: IncomingMessage): string {
  return `wisp_console_${/:(\d+)$/.exec(headers.host ?? '')?.[1] ?? '80'}`;
}

const notBuilt = 'The console is not built: run "npm run build -- console" in the clone of Wisp.';
