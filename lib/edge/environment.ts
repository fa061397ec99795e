import * as v from 'valibot';

const port = v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.maxValue(65_535));
const count = v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.minValue(1));

const schema = v.object({
  /** Address to listen on; default: all. */
  EDGE_HOST: v.optional(v.string(), '0.0.0.0'),
  /** Ports of the listeners; absent: no such listener. */
  EDGE_MQTT_PORT: v.optional(port),
  EDGE_TLS_PORT: v.optional(port),
  EDGE_WS_PORT: v.optional(port),
  EDGE_WSS_PORT: v.optional(port),
  /** Port of the health check. */
  EDGE_HEALTH_PORT: v.optional(port),
  /** `on`: that port serves `/metrics` too, without a password. Keep it private. */
  EDGE_METRICS: v.optional(v.picklist(['on', 'off']), 'off'),
  /**
   * ARN of a secret in AWS Secrets Manager: JSON with `certificate` and `key`, and perhaps
   * `clientCa`, each in PEM. TLS ports need it.
   */
  EDGE_CERTIFICATE_SECRET: v.optional(v.string()),
  /** Clients at a time. */
  EDGE_MAX_CONNECTIONS: v.optional(count, '50000'),
  /** Clients of one address at a time, where the load balancer preserves addresses. */
  EDGE_MAX_CONNECTIONS_PER_ADDRESS: v.optional(count, '1000'),
  /** TLS handshakes of one address in a second, where the load balancer preserves addresses. */
  EDGE_TLS_HANDSHAKES_PER_SECOND: v.optional(count, '50'),
  /** Bound of what waits in memory for all clients, to be read by them or to be handled, in MiB. */
  EDGE_BUFFER_MEGABYTES: v.optional(count, '64'),
  /** Seconds from SIGTERM in which all clients are ended: less than the stop timeout. */
  EDGE_STOP_SECONDS: v.optional(count, '110'),
  /** WebSocket URL of the API of the back doors. */
  BACK_DOOR_URL: v.string(),
});

/** Settings of an edge process from the environment of its container. */
export type EdgeEnvironment = v.InferOutput<typeof schema>;

class EdgeEnvironmentError extends Error {
  readonly code = 'environment';
  override readonly name = 'EdgeEnvironmentError';
}

/** @throws EdgeEnvironmentError with the name of the variable that is missing or wrong. */
export function edgeEnvironment(variables: Readonly<Record<string, string | undefined>>): EdgeEnvironment {
  const result = v.safeParse(schema, variables);
  if (!result.success) {
    const [issue] = result.issues;
    throw new EdgeEnvironmentError(`${v.getDotPath(issue) ?? 'the environment'}: ${issue.message}`);
  }
  const { EDGE_TLS_PORT, EDGE_WSS_PORT, EDGE_CERTIFICATE_SECRET } = result.output;
  if ((EDGE_TLS_PORT ?? EDGE_WSS_PORT) !== undefined && EDGE_CERTIFICATE_SECRET === undefined)
    throw new EdgeEnvironmentError('EDGE_CERTIFICATE_SECRET is not set: TLS ports need a certificate');
  return result.output;
}
