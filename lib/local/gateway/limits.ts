/**
 * Quotas of API Gateway WebSocket APIs. None can be raised.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */

/** A larger frame closes the connection with 1009. */
export const maxFrameBytes = 32 * 1024;

/** A larger message (sum of its frames) closes the connection with 1009. A larger POST gets 413. */
export const maxMessageBytes = 128 * 1024;

/** Includes scheme, host, path and query. */
export const maxUrlBytes = 4096;

/** Time without messages in either direction. Pings do not count. */
export const idleTimeoutMs = 10 * 60 * 1000;

export const connectionLifetimeMs = 2 * 60 * 60 * 1000;

/** Longest duration of an invocation. */
export const integrationTimeoutMs = 29_000;

/** Size of one billed message. */
export const meteredMessageBytes = 32 * 1024;

/**
 * Bound of bytes buffered for a client that does not read. AWS documents no number, only the error
 * 429 "client side buffer is full".
 */
export const maxBufferedBytes = 4 * 1024 * 1024;

/**
 * Bound of concurrent invocations of one connection; beyond it its socket is not read. Equals the
 * default concurrency of an AWS account, and bounds the memory that a flooding client costs.
 */
export const maxConcurrentInvocations = 1000;
