/** How a client on this machine writes, in a URL, the address that something listens on. */
export function urlHost(host: string): string {
  const reachable = clientHost(host);
  return reachable.includes(':') ? `[${reachable}]` : reachable;
}

/** The same outside of URLs, as for `mosquitto_pub -h`: "all addresses" is none to connect to. */
export function clientHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
