import { type Command, InvalidArgumentError, Option } from 'commander';
import { addTargetOptions, collectValues, logLevels, parsePort, parseTenantName } from '../options.ts';
import type { BridgeFlags } from '../run-bridge.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

/** `wisp bridge`: stock MQTT clients reach a deployment through this process, until Ctrl-C. */
export function addBridgeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('bridge')
    .summary('let stock MQTT clients reach a deployment')
    .description(
      'Listens for MQTT over TCP, TLS and WebSocket, and forwards each client to a deployment. It keeps ' +
        'no state: run any number. Without a port it listens on 1883. docs/bridge.md shows services and recipes.',
    )
    .option('--url <url>', 'WebSocket API of the deployment, wss://… (instead of --stack)')
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
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(logLevels).default('info'));
  addTargetOptions(command)
    .addHelpText('after', help)
    .action(async (flags: BridgeFlags) => {
      const { runBridge } = await import('../run-bridge.ts');
      const ended = untilAskedToStop(terminal);
      const close = await runBridge(flags, terminal);
      await ended;
      await close();
    });
}

function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('a whole number from 1.');
  return count;
}

const help = `
Examples:
  $ wisp bridge --stack Wisp
  $ wisp bridge --stack Wisp --host 0.0.0.0 --tls-port 8883 --tls-cert fullchain.pem --tls-key privkey.pem
  $ wisp bridge --url wss://abc123.execute-api.eu-central-1.amazonaws.com/mqtt --ws-port 8083
  $ wisp bridge --stack Wisp --tls-port 8883 --tls-cert server.pem --tls-key server.key \\
      --client-ca devices-ca.pem --crl revoked.pem --device-key devices.key --map 'O=tenant,CN=clientId' \\
      --publish 'devices/\${clientId}/#' --subscribe 'commands/\${clientId}/#'`;
