import type { LookupAddress } from 'node:dns';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { httpsGet, KeyFetchError } from '../../lib/auth/index.ts';
import { cert, key } from '../support/certificate.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(handler: RequestListener, scheme: 'http' | 'https' = 'https'): Promise<number> {
  const server = scheme === 'https' ? createHttpsServer({ cert, key }, handler) : createHttpServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const loopback: readonly LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];
const local = { allowPrivate: true, ca: cert, resolve: async () => loopback };

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KeyFetchError)) throw error;
  return error.code;
}

describe('fetching over TLS', () => {
  it('reads the body and sends no cookie, credential or body', async () => {
    let seen: object = {};
    const port = await serve((request, response) => {
      seen = { method: request.method, url: request.url, headers: request.headers };
      response.end('{"keys":[]}');
    });
    expect(await httpsGet(local)(`https://localhost:${port}/a/b?c=d`)).toBe('{"keys":[]}');
    expect(seen).toEqual({
      method: 'GET',
      url: '/a/b?c=d',
      headers: {
        host: `localhost:${port}`,
        accept: 'application/jwk-set+json, application/json',
        'accept-encoding': 'identity',
        connection: 'close',
      },
    });
  });

  it('checks the certificate and its name', async () => {
    const port = await serve((_, response) => response.end('{}'));
    const { ca: _, ...withoutAuthority } = local;
    expect(await codeOf(httpsGet(withoutAuthority)(`https://localhost:${port}/`))).toBe('keys-connection');
    expect(await codeOf(httpsGet(local)(`https://idp.example:${port}/`))).toBe('keys-connection');
  });

  it('connects to the address that was checked, whatever the name resolves to later', async () => {
    const port = await serve((_, response) => response.end('here'));
    const answers = [loopback, [{ address: '192.0.2.1', family: 4 }]];
    const resolve = vi.fn(async () => answers.shift() ?? []);
    expect(await httpsGet({ ...local, resolve })(`https://localhost:${port}/`)).toBe('here');
    expect(resolve).toHaveBeenCalledTimes(1);
    // The system's resolver does not know this name: the connection used the checked address.
    const plain = await serve((request, response) => response.end(request.headers.host), 'http');
    expect(await httpsGet(local)(`http://idp.invalid:${plain}/`)).toBe(`idp.invalid:${plain}`);
  });

  it('accepts http only if private hosts are allowed', async () => {
    const port = await serve((_, response) => response.end('plain'), 'http');
    expect(await httpsGet(local)(`http://localhost:${port}/`)).toBe('plain');
    expect(await httpsGet({ allowPrivate: true })(`http://127.0.0.1:${port}/`)).toBe('plain');
    expect(await codeOf(httpsGet()(`http://localhost:${port}/`))).toBe('keys-url');
  });
});

describe('answers that are refused', () => {
  const fetchFrom = async (handler: RequestListener, options = {}) =>
    codeOf(httpsGet({ ...local, ...options })(`https://localhost:${await serve(handler)}/`));

  it.each([301, 302, 303, 307, 308, 304])('a redirect: %i', async (status) => {
    const followed = vi.fn();
    const target = await serve(followed, 'http');
    const code = await fetchFrom((_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${target}/` }).end();
    });
    expect(code).toBe('keys-redirect');
    expect(followed).not.toHaveBeenCalled();
  });

  it.each([201, 204, 206, 400, 401, 404, 500, 503])('status %i', async (status) => {
    expect(await fetchFrom((_, response) => response.writeHead(status).end())).toBe('keys-status');
  });

  it('too much, announced or not', async () => {
    const announced: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': 10_000_000 }).write('{');
    };
    const endless: RequestListener = (_, response) => {
      const more = () => {
        while (response.write(' '.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    };
    expect(await fetchFrom(announced)).toBe('keys-too-large');
    expect(await fetchFrom(endless)).toBe('keys-too-large');
    const exact = await serve((_, response) => response.end('x'.repeat(100)));
    expect(await httpsGet({ ...local, maxBytes: 100 })(`https://localhost:${exact}/`)).toHaveLength(100);
    expect(await codeOf(httpsGet({ ...local, maxBytes: 99 })(`https://localhost:${exact}/`))).toBe(
      'keys-too-large',
    );
  });

  it('compressed, so that a few bytes cannot become many', async () => {
    const code = await fetchFrom((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1_000_000)));
    });
    expect(code).toBe('keys-encoding');
  });

  it('not UTF-8', async () => {
    expect(await fetchFrom((_, response) => response.end(Buffer.from([0x7b, 0xff, 0x7d])))).toBe(
      'keys-encoding',
    );
  });

  it('a connection that breaks', async () => {
    expect(await fetchFrom((request) => request.socket.destroy())).toBe('keys-connection');
    const half: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy());
    };
    expect(await fetchFrom(half)).toBe('keys-connection');
  });

  it.each<[string, RequestListener]>([
    ['no header', () => undefined],
    ['no body', (_, response) => response.writeHead(200).flushHeaders()],
    ['no end', (_, response) => response.writeHead(200).write('{')],
  ])('one that hangs with %s', async (_, handler) => {
    expect(await fetchFrom(handler, { timeoutMs: 300 })).toBe('keys-timeout');
  });

  it('a resolver that hangs, fails or finds nothing', async () => {
    const from = (resolve: () => Promise<LookupAddress[]>) =>
      codeOf(httpsGet({ resolve, timeoutMs: 50 })('https://idp.example/'));
    expect(await from(() => new Promise(() => undefined))).toBe('keys-timeout');
    expect(await from(() => Promise.reject(new Error('ENOTFOUND')))).toBe('keys-host');
    expect(await from(async () => [])).toBe('keys-host');
  });
});

describe('server-side request forgery', () => {
  const forbidden = vi.fn(async (): Promise<LookupAddress[]> => {
    throw new Error('nothing to resolve');
  });

  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://%31%32%37.0.0.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://0/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest/meta-data/iam/security-credentials/',
    'https://169.254.170.2/v2/credentials/',
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[0:0:0:0:0:ffff:7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
  ])('%s is refused by its address', async (url) => {
    expect(await codeOf(httpsGet({ resolve: forbidden })(url))).toBe('keys-address');
    expect(forbidden).not.toHaveBeenCalled();
  });

  it.each([
    'http://idp.example/',
    'HTTP://idp.example/',
    'ftp://idp.example/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'https:',
    'https://',
    '//idp.example/',
    'idp.example',
    '',
    'https://idp.example@127.0.0.1/',
    'https://idp.example:443@127.0.0.1/',
    'https://user@idp.example/',
    'https://user:password@idp.example/',
    'https://:password@idp.example/',
    'https://[fe80::1%25eth0]/',
    'https://exa mple/',
  ])('%s is refused as a URL', async (url) => {
    expect(await codeOf(httpsGet({ resolve: forbidden })(url))).toBe('keys-url');
    expect(forbidden).not.toHaveBeenCalled();
  });

  it.each([
    [['127.0.0.1']],
    [['169.254.169.254']],
    [['10.0.0.1']],
    [['::1']],
    [['fd00::1']],
    [['::ffff:10.0.0.1']],
    [['8.8.8.8', '10.0.0.1']],
    [['2606:4700::1', '127.0.0.1']],
    [['not an address']],
  ])('a name that resolves to %j is refused', async (addresses) => {
    const resolve = async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    expect(await codeOf(httpsGet({ resolve })('https://idp.example/'))).toBe('keys-address');
  });

  it('localhost is refused with the resolver of the system', async () => {
    const touched = vi.fn();
    const port = await serve(touched);
    expect(await codeOf(httpsGet({ ca: cert })(`https://localhost:${port}/`))).toBe('keys-address');
    expect(touched).not.toHaveBeenCalled();
  });

  it('errors hold neither URL nor answer', async () => {
    const port = await serve((_, response) => response.writeHead(500).end('s3cret answer'));
    const error = await httpsGet(local)(`https://localhost:${port}/s3cret`).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(KeyFetchError);
    const text = `${String(error)} ${(error as Error).stack} ${JSON.stringify(error)} ${(error as Error).cause}`;
    expect(text).not.toContain('s3cret');
  });
});
