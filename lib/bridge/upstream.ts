import type { IncomingMessage } from 'node:http';
import ws, { type ClientOptions } from 'ws';
import { type NativeWebSocketConstructor, WispWebSocket } from '../client/index.ts';
import type { Credentials } from '../listeners/client-server.ts';

const handshakeTimeoutMs = 30_000;

/** Largest message of API Gateway. */
const maxMessageBytes = 131_072;

/** What is read of the body of a refused handshake, and for how long. */
const maxSaidBytes = 200;
const saidTimeoutMs = 1_000;

/** Probes of TCP notice a server that has gone without a word, at no cost at API Gateway. */
const tcpProbeMs = 60_000;

export interface Upstream {
  readonly socket: WispWebSocket;
  /** The refusal of the handshake; undefined if there was none. */
  readonly refusal: () => UpstreamRefusal | undefined;
  /** Closes at once, without a close handshake. */
  readonly terminate: () => void;
}

export interface UpstreamRefusal {
  /** HTTP status. */
  readonly code: number;
  /** The beginning of the body. */
  readonly said?: string;
}

/** Opens a connection with the credentials of a client. */
export type Connect = (credentials: Credentials) => Upstream;

/**
 * Opens connections of the wire profile to `url`. Acknowledgements of clients may go in one-way
 * frames, so the stack must not be older than the bridge (docs/upgrading.md).
 */
export function createUpstreamConnector(url: string, Native?: NativeWebSocketConstructor): Connect {
  return ({ authorization, token }) => {
    const address = new URL(url);
    if (token !== undefined) address.searchParams.set('token', token);
    let refusal: UpstreamRefusal | undefined;
    let terminate = () => {};

    class UpstreamSocket extends ws {
      constructor(target: string, protocols: string[], options?: ClientOptions) {
        super(target, protocols, {
          ...options,
          handshakeTimeout: handshakeTimeoutMs,
          maxPayload: maxMessageBytes,
          perMessageDeflate: false,
        });
        this.once('upgrade', ({ socket }) => socket.setKeepAlive(true, tcpProbeMs));
        this.once('unexpected-response', (_request, response) => {
          readBeginning(response, (said) => {
            refusal = { code: response.statusCode ?? 0, ...(said === '' ? {} : { said }) };
            this.terminate();
          });
        });
        terminate = () => this.terminate();
      }
    }

    const socket = new WispWebSocket(address.href, 'mqtt', {
      WebSocket: Native ?? UpstreamSocket,
      acknowledge: 'messages',
      keepAlive: 'local',
      ...(authorization !== undefined && { headers: { authorization } }),
    });
    socket.binaryType = 'arraybuffer';
    return { socket, refusal: () => refusal, terminate: () => terminate() };
  };
}

/** Reads at most {@link maxSaidBytes}, and printable characters only, because they are logged. */
function readBeginning(response: IncomingMessage, done: (text: string) => void): void {
  let text = '';
  let isDone = false;
  const finish = () => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    done(text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, maxSaidBytes));
  };
  const timer = setTimeout(finish, saidTimeoutMs);
  response.on('data', (bytes: Buffer) => {
    text += bytes.subarray(0, maxSaidBytes).toString('latin1');
    if (text.length >= maxSaidBytes) finish();
  });
  for (const event of ['end', 'error', 'close']) response.once(event, finish);
}
