import type { Socket } from 'node:net';
import { type Server, TLSSocket } from 'node:tls';
import type { ListenerOptions, Report } from './options.ts';

/**
 * Who a client is by its certificate.
 *
 * @returns a token for the upstream handshake; undefined: the client shows its own.
 * @throws an Error that says why the certificate is refused.
 */
export type Identify = (socket: Socket) => Promise<string | undefined>;

/** Without client certificates. */
export const withoutToken: Identify = () => Promise.resolve(undefined);

/** Every client needs a certificate that OpenSSL has verified during the handshake. */
export function clientCertificates(tokenFor: ListenerOptions['tokenForCertificate']): Identify {
  return async (socket) => {
    if (!(socket instanceof TLSSocket)) throw new Error('NO_TLS');
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw new Error('NO_CERTIFICATE');
    const subject = certificate.subject.replaceAll('\n', ', ').slice(0, maxSubjectCharacters);
    if (!socket.authorized) throw new Error(`${socket.authorizationError} (${subject})`);
    return tokenFor?.(certificate).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : 'unknown'} (${subject})`);
    });
  };
}

/** A stranger chooses it, and it is logged. */
const maxSubjectCharacters = 200;

/**
 * Logs failed handshakes. A client that closes during the handshake is no failure: health checks
 * do.
 */
export function reportTlsErrors(server: Server, reportOf: (socket: Socket) => Report): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const code = error.code ?? error.name;
    reportOf(socket)(code === 'ECONNRESET' ? 'connection-error' : 'tls-failed', { error: code });
    socket.destroy();
  });
}
