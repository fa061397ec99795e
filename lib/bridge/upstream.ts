import ws, { type ClientOptions } from 'ws';
import { type NativeWebSocketConstructor, WispWebSocket } from '../client/index.ts';

const handshakeTimeoutMs = 30_000;

/** Largest message of API Gateway. */
const maxMessageBytes = 131_072;

export interface Upstream {
  readonly socket: WispWebSocket;
  /** HTTP status of a refused handshake; undefined if there was none. */
  readonly refusedStatus: () => number | undefined;
  /** Closes at once, without a close handshake. */
  readonly terminate: () => void;
}

/** Credentials of a WebSocket client's handshake, forwarded to the upstream handshake. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly token?: string | undefined;
}

export type Connect = (credentials: Credentials) => Upstream;

/**
 * Opens connections of the wire profile to `url`. Acknowledgements of clients may go in one-way
 * frames, so the stack must not be older than the bridge (docs/upgrading.md).
 */
export function createUpstreamConnector(url: string, Native?: NativeWebSocketConstructor): Connect {
  return ({ authorization, token }) => {
    const address = new URL(url);
    if (token !== undefined) address.searchParams.set('token', token);
    let status: number | undefined;
    let terminate = () => {};

    class UpstreamSocket extends ws {
      constructor(target: string, protocols: string[], options?: ClientOptions) {
        super(target, protocols, {
          ...options,
          handshakeTimeout: handshakeTimeoutMs,
          maxPayload: maxMessageBytes,
          perMessageDeflate: false,
        });
        this.once('unexpected-response', (_request, response) => {
          status = response.statusCode;
          this.terminate();
        });
        terminate = () => this.terminate();
      }
    }

    const socket = new WispWebSocket(address.href, 'mqtt', {
      WebSocket: Native ?? UpstreamSocket,
      acknowledge: 'messages',
      ...(authorization !== undefined && { headers: { authorization } }),
    });
    socket.binaryType = 'arraybuffer';
    return { socket, refusedStatus: () => status, terminate: () => terminate() };
  };
}
