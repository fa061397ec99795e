/** The host in a URL with which a client on this machine reaches a listener on `host`. */
export function urlHost(host: string): string {
  const reachable = clientHost(host);
  return reachable.includes(':') ? `[${reachable}]` : reachable;
}

/**
 * The same outside URLs, such as for `mosquitto_pub -h`. Clients cannot connect to the wildcard
 * addresses 0.0.0.0 and ::.
 */
export function clientHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
