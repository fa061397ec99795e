import { type Command, InvalidArgumentError, Option } from 'commander';
import { collectValues, logLevels, parsePort, parseTenantName } from './options.ts';

/** Adds the flags of commands that listen for stock MQTT clients (listener-flags.ts). */
export function addListenerOptions(command: Command): Command {
  return command
    .option('--mqtt-port <port>', 'MQTT over TCP (default: 1883 if no other port is given)', parsePort)
    .option('--tls-port <port>', 'MQTT over TLS, usually 8883', parsePort)
    .option('--ws-port <port>', 'binary MQTT over WebSocket, usually 8083', parsePort)
    .option('--wss-port <port>', 'binary MQTT over WebSocket over TLS, usually 8084', parsePort)
    .option(
      '--tls-cert <file>',
      "the server's certificate and its intermediates, PEM; read again when changed; may be repeated",
      collectValues,
    )
    .option('--tls-key <file>', 'its private key, PEM; one for each --tls-cert', collectValues)
    .option('--client-ca <file>', 'demand certificates of these authorities from TLS clients, PEM')
    .option('--crl <file>', 'certificates that they have revoked, PEM; one list for each authority')
    .option('--device-key <file>', 'sign tokens for clients with a certificate with this key of an issuer')
    .option('--map <map>', "where a certificate's subject has tenant and client id: 'O=tenant,CN=clientId'")
    .option('--tenant <name>', 'tenant of all certificates, if the map has none', parseTenantName)
    .option('--publish <filter>', 'what these clients may publish; may be repeated', collectValues)
    .option('--subscribe <filter>', 'what these clients may subscribe to; may be repeated', collectValues)
    .option('--host <address>', 'address to listen on; 0.0.0.0 or :: for all', '127.0.0.1')
    .option('--max-connections <number>', 'most clients at a time', parseCount, 10_000)
    .option('--max-connections-per-address <number>', 'most clients of an address', parseCount, 1_000)
    .option('--tls-handshakes-per-second <number>', 'most TLS handshakes of an address', parseCount, 50)
    .option('--buffer-megabytes <number>', 'most memory for what waits for clients', parseCount, 64)
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(logLevels).default('info'));
}

/** A whole number from 1. */
export function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('a whole number from 1.');
  return count;
}
