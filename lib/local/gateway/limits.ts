/**
 * The quotas of API Gateway WebSocket APIs. None can be raised.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */

/** A larger frame closes the connection with 1009. */
export const maxFrameBytes = 32 * 1024;

/** A larger message, all its frames together, closes the connection with 1009; a larger POST answers 413. */
export const maxMessageBytes = 128 * 1024;

/** Scheme, host, path and query together. */
export const maxUrlBytes = 4096;

/** Without a message in either direction; pings do not count. */
export const idleTimeoutMs = 10 * 60 * 1000;

export const connectionLifetimeMs = 2 * 60 * 60 * 1000;

/** What a function may take. */
export const integrationTimeoutMs = 29_000;

/** One billed message. */
export const meteredMessageBytes = 32 * 1024;

/**
 * What a client that does not read may make the gateway hold. AWS names no number, only the error: 429, "client
 * side buffer is full".
 */
export const maxBufferedBytes = 4 * 1024 * 1024;

/**
 * Invocations of one connection under way at once, after which its socket is not read. The default concurrency of an
 * AWS account; it also bounds what a flooding client costs in memory.
 */
export const maxConcurrentInvocations = 1000;
