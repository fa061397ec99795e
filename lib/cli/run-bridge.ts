import { type Bridge, startBridge } from '../bridge/index.ts';
import { escapeControls } from '../core/escape-controls.ts';
import { bridgeLog, createLocalLog } from '../local/log.ts';
import { scrapeOf } from '../local/metrics/index.ts';
import { clientsFamily, refusalFamily } from '../metrics/counters.ts';
import { processFamilies } from '../metrics/process.ts';
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
import { resolveTarget, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

export interface BridgeFlags extends TargetOptions, ListenerFlags, MetricsFlags {
  readonly url?: string;
}

/** It does not leave the bridge and the service: a bit longer than a connection of API Gateway. */
const deviceTokenSeconds = 7_500;

/**
 * Starts the bridge and prints where it listens.
 *
 * @returns closes it
 * @throws UserError that says which flag or file to correct
 */
export async function runBridge(flags: BridgeFlags, terminal: Terminal): Promise<() => Promise<void>> {
  const { host, logLevel, certificatePollMs: pollMs } = flags;
  const log = createLocalLog(logLevel, (line) => terminal.err(escapeControls(line)));
  const tokenForCertificate = await deviceTokens(flags, deviceTokenSeconds);
  const [{ url, label }, listening] = await Promise.all([findUpstream(flags), listeningOf(flags)]);
  const bridge: Bridge = await startBridge({
    ...listenerOptionsOf(flags, listening),
    upstreamUrl: url,
    ...(tokenForCertificate === undefined ? {} : { tokenForCertificate }),
    ...bridgeLog(log),
  }).catch((error: unknown) => {
    throw listenError(error, host, Object.entries(listening.ports).map(flagOfPort)) ?? error;
  });
  const metrics = await metricsOf(
    flags,
    scrapeOf(async () => [refusalFamily(log), clientsFamily(bridge.connections()), ...processFamilies()]),
  ).catch(async (error: unknown) => {
    await bridge.close();
    throw error;
  });
  const stopWatching = watchFiles(listening, bridge, { log, name: 'bridge', pollMs });
  const { certificates } = listening;
  for (const line of [
    'The bridge is running. Ctrl-C ends it.',
    '',
    `  forwards to                    ${url} (${label})`,
    ...metricsLines(metrics),
    ...listeningLines(bridge, flags, { certificates, signsTokens: tokenForCertificate !== undefined }),
  ])
    terminal.out(line);
  return async () => {
    stopWatching();
    await metrics?.close();
    await bridge.close();
  };
}

async function findUpstream(flags: BridgeFlags): Promise<{ url: string; label: string }> {
  if (flags.url !== undefined) {
    const protocol = URL.canParse(flags.url) ? new URL(flags.url).protocol : '';
    if (protocol !== 'wss:' && protocol !== 'ws:')
      throw usage('--url: the WebSocket API of the deployment, such as wss://example.com/mqtt');
    return { url: flags.url, label: 'given by --url' };
  }
  const target = resolveTarget(flags);
  const { webSocketUrl } = await target.connect();
  if (webSocketUrl === undefined)
    throw usage(`${target.label} does not tell where its WebSocket API is; name it with --url`);
  return { url: webSocketUrl, label: target.label };
}
