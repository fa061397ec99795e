import type { Command } from 'commander';
import { addListenerOptions } from '../listener-options.ts';
import { addMetricsOptions } from '../metrics-options.ts';
import { addTargetOptions } from '../options.ts';
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
    .option('--url <url>', 'WebSocket API of the deployment, wss://… (instead of --stack)');
  addListenerOptions(command);
  addMetricsOptions(command);
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

const help = `
Examples:
  $ wisp bridge --stack Wisp
  $ wisp bridge --stack Wisp --host 0.0.0.0 --tls-port 8883 --tls-cert fullchain.pem --tls-key privkey.pem
  $ wisp bridge --url wss://abc123.execute-api.eu-central-1.amazonaws.com/mqtt --ws-port 8083
  $ wisp bridge --stack Wisp --tls-port 8883 --tls-cert server.pem --tls-key server.key \\
      --client-ca devices-ca.pem --crl revoked.pem --device-key devices.key --map 'O=tenant,CN=clientId' \\
      --publish 'devices/\${clientId}/#' --subscribe 'commands/\${clientId}/#'`;
