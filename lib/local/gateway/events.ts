import { createId } from './ids.ts';

export type PredefinedRoute = '$connect' | '$default' | '$disconnect';

/** A route key: a predefined or a custom one. */
export type Route = string;

export interface Identity {
  /** Absent if the client sent none. */
  readonly userAgent?: string;
  readonly sourceIp: string;
}

/** Keys, types and order of keys as captured from AWS. */
export interface RequestContext {
  readonly routeKey: Route;
  /** Only of MESSAGE. */
  readonly messageId?: string;
  /** Only of DISCONNECT. */
  readonly disconnectStatusCode?: number;
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  /** The same as `requestId`. */
  readonly extendedRequestId: string;
  /** `19/Feb/2024:07:11:42 +0000`. */
  readonly requestTime: string;
  readonly messageDirection: 'IN';
  /** Only of DISCONNECT. */
  readonly disconnectReason?: string;
  readonly stage: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** Milliseconds since 1970. */
  readonly requestTimeEpoch: number;
  readonly identity: Identity;
  readonly requestId: string;
  readonly domainName: string;
  readonly connectionId: string;
  readonly apiId: string;
}

export interface ConnectEvent {
  readonly headers: Record<string, string>;
  readonly multiValueHeaders: Record<string, string[]>;
  /** Absent without a query. */
  readonly queryStringParameters?: Record<string, string>;
  readonly multiValueQueryStringParameters?: Record<string, string[]>;
  readonly requestContext: RequestContext;
  readonly isBase64Encoded: false;
}

export interface MessageEvent {
  readonly requestContext: RequestContext;
  readonly body: string;
  readonly isBase64Encoded: false;
}

export interface DisconnectEvent {
  readonly headers: Record<string, string>;
  readonly multiValueHeaders: Record<string, string[]>;
  readonly requestContext: RequestContext;
  readonly isBase64Encoded: false;
}

export type GatewayEvent = ConnectEvent | MessageEvent | DisconnectEvent;

export interface Api {
  readonly apiId: string;
  readonly stage: string;
  /**
   * `{apiId}.execute-api.{region}.amazonaws.com`. Not reachable, so it cannot serve as callback
   * endpoint.
   */
  readonly domainName: string;
}

/** The part of a connection that all its events repeat. */
export interface Peer {
  readonly connectionId: string;
  readonly connectedAtMs: number;
  readonly identity: Identity;
}

/** The client's HTTP request, which only `$connect` receives. */
export interface Handshake {
  /** Names and values as sent, without hop-by-hop headers. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly query: ReadonlyMap<string, readonly string[]>;
}

export function connectEvent(api: Api, peer: Peer, handshake: Handshake, nowMs: number): ConnectEvent {
  const { headers, query } = handshake;
  const requestId = createId();
  return {
    headers: lastValues(headers),
    multiValueHeaders: allValues(headers),
    ...(query.size === 0
      ? {}
      : { queryStringParameters: lastValues(query), multiValueQueryStringParameters: allValues(query) }),
    requestContext: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      ...requestFields(requestId, nowMs),
      messageDirection: 'IN',
      ...connectionFields(api, peer, requestId, nowMs),
    },
    isBase64Encoded: false,
  };
}

/** Has no headers: a function that needs one from the handshake must store it at `$connect`. */
export function messageEvent(
  api: Api,
  peer: Peer,
  routeKey: Route,
  body: string,
  nowMs: number,
): MessageEvent {
  const requestId = createId();
  return {
    requestContext: {
      routeKey,
      messageId: createId(),
      eventType: 'MESSAGE',
      ...requestFields(requestId, nowMs),
      messageDirection: 'IN',
      ...connectionFields(api, peer, requestId, nowMs),
    },
    body,
    isBase64Encoded: false,
  };
}

export function disconnectEvent(
  api: Api,
  peer: Peer,
  { code, reason }: { readonly code: number; readonly reason: string },
  nowMs: number,
): DisconnectEvent {
  const headers = { Host: api.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
  const requestId = createId();
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    requestContext: {
      routeKey: '$disconnect',
      disconnectStatusCode: code,
      eventType: 'DISCONNECT',
      ...requestFields(requestId, nowMs),
      messageDirection: 'IN',
      disconnectReason: reason,
      ...connectionFields(api, peer, requestId, nowMs),
    },
    isBase64Encoded: false,
  };
}

function requestFields(requestId: string, nowMs: number) {
  return { extendedRequestId: requestId, requestTime: requestTime(nowMs) };
}

function connectionFields(api: Api, peer: Peer, requestId: string, nowMs: number) {
  return {
    stage: api.stage,
    connectedAt: peer.connectedAtMs,
    requestTimeEpoch: nowMs,
    // A copy, because every invocation gets its own JSON.
    identity: { ...peer.identity },
    requestId,
    domainName: api.domainName,
    connectionId: peer.connectionId,
    apiId: api.apiId,
  };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Time in the Common Log Format, UTC. */
function requestTime(nowMs: number): string {
  const date = new Date(nowMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

function lastValues(entries: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  return Object.fromEntries([...entries].map(([name, values]) => [name, values.at(-1) ?? '']));
}

function allValues(entries: ReadonlyMap<string, readonly string[]>): Record<string, string[]> {
  return Object.fromEntries([...entries].map(([name, values]) => [name, [...values]]));
}
