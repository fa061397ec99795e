import type { Command } from 'commander';
import { addListenerOptions, parseCount } from '../listener-options.ts';
import { addMetricsOptions } from '../metrics-options.ts';
import { addTargetOptions, parsePort } from '../options.ts';
import type { EdgeFlags } from '../run-edge.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

/** `wisp edge`: the broker for stock MQTT clients in this process, on a deployment's tables. */
export function addEdgeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('edge')
    .summary('serve stock MQTT clients from this machine, with the broker in the process')
    .description(
      'Listens for MQTT over TCP, TLS and WebSocket and runs the broker itself, on the tables of a deployment ' +
        'with -c edge=external or -c edge=on. Idle clients cost nothing at AWS. Without a port it listens on 1883. ' +
        'docs/edge.md says when it pays and how to run it as a service.',
    );
  addListenerOptions(command)
    .option('--health-port <port>', 'GET /health: 200, or 503 while it drains or has no lease', parsePort)
    .option('--drain-seconds <seconds>', 'time in which clients are ended when it stops', parseCount, 10);
  addMetricsOptions(command);
  addTargetOptions(command)
    .addHelpText('after', help)
    .action(async (flags: EdgeFlags) => {
      const { runEdge } = await import('../run-edge.ts');
      const ended = untilAskedToStop(terminal);
      const close = await runEdge(flags, terminal);
      await ended;
      await close();
    });
}

const help = `
Examples:
  $ wisp edge --stack Wisp
  $ wisp edge --stack Wisp --host 0.0.0.0 --tls-port 8883 --tls-cert fullchain.pem --tls-key privkey.pem --health-port 8080`;
