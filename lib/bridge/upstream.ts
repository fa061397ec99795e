import ws, { type ClientOptions } from 'ws';
import { type NativeWebSocketConstructor, WispWebSocket } from '../client/index.ts';

const handshakeTimeoutMs = 30_000;

/** What API Gateway can send in one message; more is not from it. */
const maxMessageBytes = 131_072;

export interface Upstream {
  readonly socket: WispWebSocket;
  /** HTTP status with which the handshake was refused, where there was one. */
  readonly refusedStatus: () => number | undefined;
  /** Ends at once, sending nothing more. */
  readonly terminate: () => void;
}

/** What a WebSocket client brought along to its handshake, carried on to the upstream one. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly token?: string | undefined;
}

export type Connect = (credentials: Credentials) => Upstream;

/** Makes connections of the wire profile to `url`. */
export function upstreamConnector(url: string, Native?: NativeWebSocketConstructor): Connect {
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
      ...(authorization !== undefined && { headers: { authorization } }),
    });
    socket.binaryType = 'arraybuffer';
    return { socket, refusedStatus: () => status, terminate: () => terminate() };
  };
}
