import {
  backDoorEndpointVariable,
  backDoorUrlVariable,
  callbackEndpointVariable,
  eventBusVariable,
  fanoutQueueVariable,
  functionEnvironment,
  kafkaRuleQueueVariable,
  lookQueueVariable,
  ruleQueueVariable,
  tableVariables,
  timerQueueVariable,
} from '../aws/environment.ts';
import { createEnvironmentService } from '../aws/environment-service.ts';
import { createIds } from '../aws/ids.ts';
import { edgeMaxSockets } from '../aws/settings.ts';
import { createRequestSigner, regionOfApi } from '../aws/signer.ts';
import { escapeControls } from '../core/escape-controls.ts';
import { createBackDoor } from '../edge/back-door.ts';
import { type Edge, startEdge } from '../edge/index.ts';
import { createLocalLog } from '../local/log.ts';
import { scrapeOf } from '../local/metrics/index.ts';
import { UserError } from '../local/operator/user-error.ts';
import { urlHost } from '../local/url-host.ts';
import { clientsFamily, counterFamilies, refusalFamily } from '../metrics/counters.ts';
import { processFamilies } from '../metrics/process.ts';
import { tableNames } from '../store/schema.ts';
import { deviceTokens } from './device-tokens.ts';
import { listenError } from './listen-error.ts';
import {
  flagOfPort,
  type ListenerFlags,
  listenerOptionsOf,
  listeningLines,
  listeningOf,
  usage,
  watchFiles,
} from './listener-flags.ts';
import { type MetricsFlags, metricsLines, metricsOf } from './metrics-options.ts';
import { type Deployment, readDeployment, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

export interface EdgeFlags extends TargetOptions, ListenerFlags, MetricsFlags {
  readonly healthPort?: number;
  /** Seconds in which clients are ended when the command is asked to stop. */
  readonly drainSeconds: number;
}

/** A connection at an edge has no end, and the device gets no other token: a day. */
const deviceTokenSeconds = 86_400;

/**
 * Starts an edge of a deployment on this machine and prints where it listens.
 *
 * @returns drains it, then closes it
 * @throws UserError that says which flag or file to correct
 */
export async function runEdge(flags: EdgeFlags, terminal: Terminal): Promise<() => Promise<void>> {
  const { stack, host, healthPort, logLevel, drainSeconds, certificatePollMs: pollMs } = flags;
  if (stack === undefined)
    throw usage('an edge needs a deployment: --stack. For the local service there is "wisp start --edge"');
  const log = createLocalLog(logLevel, (line) => terminal.err(escapeControls(line)));
  const tokenForCertificate = await deviceTokens(flags, deviceTokenSeconds);
  const [deployment, listening] = await Promise.all([readDeployment(stack, flags), listeningOf(flags)]);
  const { client } = deployment;
  const variables = variablesOf(stack, deployment);
  const backDoorUrl = variables[backDoorUrlVariable] ?? '';
  const edge: Edge = await startEdge({
    ...listenerOptionsOf(flags, listening),
    edge: createIds(Date.now).unique(),
    log,
    ...(healthPort === undefined ? {} : { healthPort }),
    ...(tokenForCertificate === undefined ? {} : { tokenForCertificate }),
    compose(wrap) {
      const { broker, usage: meter } = createEnvironmentService(functionEnvironment(variables), {
        log,
        allowPrivateIssuers: false,
        client: { ...client, maxSockets: edgeMaxSockets },
        wrap,
      });
      return { broker, flush: () => meter.flush() };
    },
    openBackDoor: createBackDoor({
      url: backDoorUrl,
      sign: createRequestSigner(client.region ?? regionOfApi(backDoorUrl) ?? '', client.credentials),
    }),
    onDead() {
      terminal.err('The edge counts as dead: it had no connection to AWS for too long. Start it again.');
      process.exit(1);
    },
  }).catch((error: unknown) => {
    throw listenError(error, host, Object.entries(listening.ports).map(flagOfPort)) ?? error;
  });
  const metrics = await metricsOf(
    flags,
    scrapeOf(async () => [
      ...counterFamilies(log),
      refusalFamily(log),
      clientsFamily(edge.connections()),
      ...processFamilies(),
    ]),
  ).catch(async (error: unknown) => {
    await edge.close();
    throw error;
  });
  const stopWatching = watchFiles(listening, edge, { log, name: 'edge', pollMs });
  const { certificates } = listening;
  for (const line of [
    'The edge is running. Ctrl-C ends its clients, then the edge.',
    '',
    `  runs the broker of             stack ${stack}`,
    ...(edge.healthPort === undefined
      ? []
      : [`  health check                   http://${urlHost(host)}:${edge.healthPort}/health`]),
    ...metricsLines(metrics),
    ...listeningLines(edge, flags, { certificates, signsTokens: tokenForCertificate !== undefined }),
  ])
    terminal.out(line);
  return async () => {
    stopWatching();
    if (edge.connections() > 0)
      terminal.err(`Ending ${edge.connections()} clients within ${drainSeconds} seconds.`);
    await edge.drain(drainSeconds);
    await edge.close();
    await metrics?.close();
  };
}

/** What a container of the edge gets as its environment, from the outputs of the stack. */
function variablesOf(stack: string, { outputs }: Deployment): Record<string, string> {
  const wanted: [variable: string, output: string][] = [
    ...tableNames.map((kind): [string, string] => [
      tableVariables[kind],
      `${kind.charAt(0).toUpperCase()}${kind.slice(1)}TableName`,
    ]),
    [timerQueueVariable, 'TimerQueueUrl'],
    [lookQueueVariable, 'LookQueueUrl'],
    [fanoutQueueVariable, 'FanoutQueueUrl'],
    [callbackEndpointVariable, 'CallbackEndpoint'],
    [backDoorUrlVariable, 'BackDoorUrl'],
    [backDoorEndpointVariable, 'BackDoorEndpoint'],
  ];
  // Absent where what they belong to is switched off.
  const optional: [variable: string, output: string][] = [
    [eventBusVariable, 'EventBusName'],
    [ruleQueueVariable, 'RuleQueueUrl'],
    [kafkaRuleQueueVariable, 'KafkaRuleQueueUrl'],
  ];
  const needed = Object.fromEntries(
    wanted.map(([variable, output]) => {
      const value = outputs[output];
      if (value === undefined)
        throw new UserError(
          'no-edge',
          `stack ${stack} has no output ${output}: deploy it with -c edge=external, or -c edge=on (docs/edge.md)`,
        );
      return [variable, value];
    }),
  );
  const present = optional.flatMap(([variable, output]) => {
    const value = outputs[output];
    return value === undefined ? [] : [[variable, value]];
  });
  return { ...needed, ...Object.fromEntries(present) };
}
