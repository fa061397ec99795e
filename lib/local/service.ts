import { createAdminHandler } from '../../functions/admin.ts';
import { createConnectHandler } from '../../functions/connect.ts';
import { createDisconnectHandler } from '../../functions/disconnect.ts';
import { createFanoutHandler } from '../../functions/fanout.ts';
import { createInboundHandler } from '../../functions/inbound.ts';
import { createMessageHandler } from '../../functions/message.ts';
import { createOwnRulesHandler } from '../../functions/own-rules.ts';
import { createPublishHandler } from '../../functions/publish.ts';
import { createRuleHandler } from '../../functions/rule.ts';
import { createTimerHandler } from '../../functions/timer.ts';
import { adminPrefix } from '../admin/index.ts';
import { firstTenantFamilies } from '../admin/metrics.ts';
import { returnToQueue } from '../aws/fanout-queue.ts';
import type { FunctionService } from '../aws/function-service.ts';
import { createManagementClient } from '../aws/gateway.ts';
import { createIds } from '../aws/ids.ts';
import type { RuleService } from '../aws/rule-batch.ts';
import { ruleRunContext } from '../aws/rule-service.ts';
import { createService, type ServiceOptions } from '../aws/service.ts';
import { type AwsClientOptions, localCredentials } from '../aws/settings.ts';
import { createRequestSigner } from '../aws/signer.ts';
import { createSqsClient } from '../aws/sqs.ts';
import { everyOrigin } from '../core/origins.ts';
import type { Log, Ports } from '../core/ports.ts';
import type { RuleSecrets } from '../core/rule-secrets.ts';
import { ruleStrands } from '../core/rules.ts';
import { defaultSettings, type Settings } from '../core/settings.ts';
import { createBackDoor } from '../edge/back-door.ts';
import type { EdgeOptions, EdgeService } from '../edge/index.ts';
import { ownRulesPrefix } from '../http/own-rules.ts';
import { publishPrefix } from '../http/publish.ts';
import type { RuleParts } from '../http/rule-resource.ts';
import type { MetricFamily } from '../metrics/open-metrics.ts';
import type { RuleTargets } from '../rules/target.ts';
import { type TableNames, tableNames, tableSchemas } from '../store/schema.ts';
import type { Stores } from '../store/stores.ts';
import { oneWayRouteKey, routeSelectionExpression } from '../wire/index.ts';
import type { RequestHandler } from './aws-json.ts';
import { startBackDoorApi } from './back-door.ts';
import { type Clock, systemClock } from './clock.ts';
import { type ConsoleOptions, type ConsoleSite, consolePrefix, createConsole } from './console/index.ts';
import { type EngineRequestHandler, openEngine } from './dynamodb/index.ts';
import { createEmbeddedClient } from './embedded-client.ts';
import { type FaultPlan, type Gateway, startGateway } from './gateway/index.ts';
import { startHttpApi } from './http-api/index.ts';
import {
  type MetricsServer,
  metricsPath,
  scrapeOf,
  serveOwnMetrics,
  startMetricsServer,
} from './metrics/index.ts';
import { openQueueService, type QueueService } from './queue/index.ts';
import {
  fanoutQueueName,
  inboundDeadLettersName,
  inboundQueueName,
  kafkaRuleQueueName,
  lookQueueName,
  queueDefinitions,
  ruleQueueName,
  timerQueueName,
} from './queue-definitions.ts';
import { createLocalRuleSecrets } from './rule-secrets.ts';
import { createLocalRuleTargets } from './rule-targets.ts';

/** Names of the local tables: `wisp-` and the kind, as in the stack. */
export const localTables: TableNames = Object.fromEntries(
  tableNames.map((kind) => [kind, `wisp-${kind}`]),
) as TableNames;

/** Shorter than in AWS: one process has no stale caches, and its handlers end within moments. */
const localSettleSeconds = 2;
const region = 'us-east-1';

/**
 * Of the clients of the other embedded services, which are called in this process, without HTTP,
 * and check no signature: it would take more than half of the CPU of a call.
 */
const inProcess = {
  region,
  credentials: localCredentials,
  signer: { sign: async (request) => request },
} as const satisfies AwsClientOptions;

export interface LocalServiceOptions {
  readonly host?: string;
  /** Port of the gateway; 0 picks a free one. */
  readonly port?: number;
  /** Port of the admin API and of publishing over HTTP; 0 picks a free one. */
  readonly adminPort?: number;
  /** Origins whose pages may publish over HTTP. Default: all. */
  readonly publishOrigins?: readonly string[];
  /** Keeps state on disk. Default: in memory. */
  readonly directory?: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly settings?: Settings;
  readonly faults?: FaultPlan;
  /** Whether the gateway's `lastActiveAt` counts messages to the client. Default: true. */
  readonly postsAreActivity?: boolean;
  readonly random?: () => number;
  /**
   * How long looks at connections are gathered, 0–300 s, as in AWS. Default: 0, because requests of
   * this process cost nothing.
   */
  readonly lookBatchingWindowSeconds?: number;
  /** Serves the API of back doors, through which edges are reached. Default: there are none. */
  readonly edge?: boolean;
  /** Faults of the back doors. */
  readonly doorFaults?: FaultPlan;
  /** Targets of rules instead of those of this machine. */
  readonly ruleTargets?: RuleTargets;
  /** Serves the console at the port of the admin API. Default: there is none. */
  readonly console?: Pick<ConsoleOptions, 'keyDirectory' | 'pageDirectory'>;
  /** What `GET /metrics` shows of this process, beside usage of tenants. Default: nothing. */
  readonly metrics?: () => readonly MetricFamily[];
  /** How long records of rules wait for their worker, 0–900 s. Default: 0. */
  readonly ruleDelaySeconds?: number;
  /** Wraps the embedded DynamoDB, to meter, hold or fail calls of the store. */
  readonly wrapStore?: (handler: EngineRequestHandler) => RequestHandler;
  /** Wraps the queues for the service's own calls. Event source mappings bypass it. */
  readonly wrapQueues?: (handler: RequestHandler) => RequestHandler;
  readonly wrapPorts?: (ports: Ports) => Ports;
}

export interface LocalService {
  readonly gateway: Gateway;
  readonly stores: Stores;
  readonly service: FunctionService;
  readonly queues: QueueService;
  readonly ruleSecrets: RuleSecrets;
  /** The admin API. It accepts all requests from programs on this machine. */
  readonly adminUrl: string;
  /** Publishing over HTTP, for tenants. */
  readonly publishUrl: string;
  /** Serves `/metrics` at a port of its own. @throws the server's error, such as EADDRINUSE */
  exposeMetrics(host: string, port: number): Promise<string>;
  /** A URL that opens the console once; undefined where it is not served. */
  newConsoleUrl(): string | undefined;
  /** The API of back doors, where there are edges. */
  readonly backDoor?: LocalBackDoor;
  /** Composes the service once more, over ports that an edge in this process wraps. */
  composeEdge(wrap: (ports: Ports) => Ports): EdgeService;
  /** Serves the tables to other processes over HTTP. @returns the URL. */
  exposeTables(): Promise<string>;
  /** Serves the queues to other processes over HTTP. @returns the URL. */
  exposeQueues(): Promise<string>;
  close(): Promise<void>;
}

/** What {@link startEdge} needs of a local service with edges. */
export function localEdgeParts(
  service: LocalService,
): Pick<EdgeOptions, 'compose' | 'openBackDoor' | 'edge'> {
  const { backDoor, composeEdge } = service;
  if (backDoor === undefined) throw new TypeError('the service was started without edges');
  const { url, region: signedRegion, credentials } = backDoor;
  return {
    edge: createIds(service.service.nowMs).unique(),
    compose: composeEdge,
    openBackDoor: createBackDoor({ url, sign: createRequestSigner(signedRegion, credentials) }),
  };
}

/** How an edge connects to the API of back doors. */
export interface LocalBackDoor {
  readonly gateway: Gateway;
  /** `ws://127.0.0.1:8083/door` */
  readonly url: string;
  readonly region: string;
  readonly credentials: typeof localCredentials;
}

/**
 * Runs the deployed service in one process: the functions' handlers behind the gateway emulator, on
 * embedded implementations of DynamoDB and SQS.
 */
export async function startLocalService(options: LocalServiceOptions): Promise<LocalService> {
  const { log, clock = systemClock } = options;
  const engine = await openEngine({
    clock,
    onWarning: (message: string) => log.warn(message),
    ...(options.directory === undefined ? {} : { directory: options.directory }),
  });
  await engine.createTables(tableSchemas, localTables);
  const queues = await openQueueService({
    queues: queueDefinitions(options.ruleDelaySeconds ?? 0),
    clock,
    store: engine.keyValueStore('queue'),
  });

  const handlers: Partial<Record<string, (event: unknown) => Promise<unknown>>> = {};
  const gateway = await startGateway({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    stage: 'mqtt',
    region,
    routeSelectionExpression,
    routes: [oneWayRouteKey],
    clock,
    log: (line) => log['code' in line ? 'info' : 'debug']('gateway', line as Record<string, string>),
    invoke: async (route, event) => {
      try {
        return await handlers[route]?.(structuredClone(event));
      } catch (error) {
        log.error('function failed', { route, error: error instanceof Error ? error.stack : 'unknown' });
        throw error;
      }
    },
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(options.postsAreActivity === undefined ? {} : { postsAreActivity: options.postsAreActivity }),
    ...(options.random === undefined ? {} : { random: options.random }),
  }).catch(async (error: unknown) => {
    await queues.close();
    await engine.close();
    throw error;
  });

  const doors =
    options.edge === true
      ? await startBackDoorApi({
          host: options.host ?? '127.0.0.1',
          port: 0,
          region,
          clock,
          log,
          service: () => ({ doorClosed: (door) => broker.doorClosed(door), flush }),
          ...(options.doorFaults === undefined ? {} : { faults: options.doorFaults }),
        })
      : undefined;

  const sqs = createSqsClient({
    ...inProcess,
    requestHandler: options.wrapQueues?.(queues.requestHandler) ?? queues.requestHandler,
  });
  const parts: ServiceOptions = {
    dynamo: createEmbeddedClient(options.wrapStore?.(engine.requestHandler) ?? engine.requestHandler),
    sqs,
    management: createManagementClient({
      ...inProcess,
      endpoint: gateway.callbackUrl,
      requestHandler: gateway.requestHandler,
    }),
    ...(doors === undefined
      ? {}
      : {
          backDoor: {
            management: createManagementClient({
              ...inProcess,
              endpoint: doors.callbackUrl,
              requestHandler: doors.requestHandler,
            }),
          },
        }),
    tables: localTables,
    timerQueueUrl: queues.urlOf(timerQueueName),
    lookQueueUrl: queues.urlOf(lookQueueName),
    fanoutQueueUrl: queues.urlOf(fanoutQueueName),
    ruleQueueUrl: queues.urlOf(ruleQueueName),
    kafkaRuleQueueUrl: queues.urlOf(kafkaRuleQueueName),
    allowPrivateIssuers: true,
    log,
    events: { put: async (event) => log.debug('lifecycle', { ...event }) },
    nowMs: () => clock.now(),
    settings: options.settings ?? { ...defaultSettings, tenantSettleSeconds: localSettleSeconds },
    ...(options.wrapPorts === undefined ? {} : { wrap: options.wrapPorts }),
  };
  const { broker, stores, context, adminContext, flush } = createService(parts);
  const service: FunctionService = {
    broker,
    context,
    adminContext,
    log,
    nowMs: () => clock.now(),
    publishOrigins: options.publishOrigins ?? [everyOrigin],
    returnSlices: (receiptHandles, seconds) =>
      returnToQueue(sqs, queues.urlOf(fanoutQueueName), receiptHandles, seconds),
    flush,
  };
  const ruleSecrets = createLocalRuleSecrets(options.directory);
  const ruleParts: RuleParts = { ruleSecrets, localRuleTargets: true };
  handlers.$connect = createConnectHandler(() => service);
  handlers.$default = createMessageHandler(() => service);
  handlers[oneWayRouteKey] = handlers.$default;
  handlers.$disconnect = createDisconnectHandler(() => service);
  const timerHandler = createTimerHandler(() => service);
  const timerSource = { batchSize: 10, maximumConcurrency: 4, reportBatchItemFailures: true } as const;
  queues.attach(timerQueueName, timerHandler, timerSource);
  queues.attach(lookQueueName, timerHandler, {
    ...timerSource,
    batchingWindowSeconds: options.lookBatchingWindowSeconds ?? 0,
  });
  queues.attach(
    fanoutQueueName,
    createFanoutHandler(() => service),
    // More concurrency gains nothing in one process.
    { batchSize: 10, maximumConcurrency: 2, reportBatchItemFailures: true },
  );

  queues.attach(
    inboundQueueName,
    createInboundHandler(() => ({
      context,
      sqs,
      queueUrl: queues.urlOf(inboundQueueName),
      deadLetterUrl: queues.urlOf(inboundDeadLettersName),
      flush,
    })),
    { batchSize: 10, maximumConcurrency: 2, reportBatchItemFailures: true },
  );

  const ruleContext = ruleRunContext(
    context,
    options.ruleTargets ??
      createLocalRuleTargets({
        secrets: ruleSecrets,
        nowMs: () => clock.now(),
        requestHandler: queues.requestHandler,
      }),
  );
  for (const name of [ruleQueueName, kafkaRuleQueueName] as const) {
    const rules: RuleService = {
      context: ruleContext,
      queue: { client: sqs, url: queues.urlOf(name) },
      pause: (milliseconds) => new Promise((resolve) => clock.schedule(resolve, milliseconds)),
      flush,
    };
    queues.attach(
      name,
      createRuleHandler(() => rules),
      // More than the strands of one rule, so that one slow target leaves room for others.
      { batchSize: 10, maximumConcurrency: 2 * ruleStrands, reportBatchItemFailures: true },
    );
  }

  const scrape = scrapeOf(async () => [
    ...(options.metrics?.() ?? []),
    ...(await firstTenantFamilies(adminContext)),
  ]);
  let site: ConsoleSite | undefined;
  const httpApi = await startHttpApi({
    host: options.host ?? '127.0.0.1',
    port: options.adminPort ?? 0,
    nowMs: () => clock.now(),
    log: (line) => log.error('http api', line as Record<string, string>),
    sites: [
      { prefix: consolePrefix, serve: (...call) => site?.serve(...call) },
      { prefix: metricsPath, serve: (...call) => serveOwnMetrics(scrape, ...call) },
    ],
    routes: [
      {
        prefix: adminPrefix,
        operatorsOnly: true,
        invoke: createAdminHandler(
          () => service,
          () => ruleParts,
        ),
      },
      { prefix: publishPrefix, operatorsOnly: false, invoke: createPublishHandler(() => service) },
      {
        prefix: ownRulesPrefix,
        operatorsOnly: false,
        invoke: createOwnRulesHandler(
          () => service,
          () => ruleParts,
        ),
      },
    ],
  }).catch(async (error: unknown) => {
    await doors?.close();
    await gateway.close();
    await queues.close();
    await engine.close();
    throw error;
  });

  if (options.console !== undefined)
    site = createConsole({
      ...options.console,
      about: {
        label: 'this machine',
        isLocal: true,
        adminUrl: `${httpApi.url}${adminPrefix}`,
        mqttUrl: gateway.url,
        publishUrl: `${httpApi.url}${publishPrefix}`,
        settings: service.adminContext.settings,
      },
      admin: { url: `${httpApi.url}${adminPrefix}` },
      nowMs: () => clock.now(),
    });

  let tables: { url: string; close(): Promise<void> } | undefined;
  let metricsServer: MetricsServer | undefined;
  let queuesListener: { readonly url: string } | undefined;
  return {
    gateway,
    stores,
    service,
    queues,
    ruleSecrets,
    adminUrl: `${httpApi.url}${adminPrefix}`,
    publishUrl: `${httpApi.url}${publishPrefix}`,
    newConsoleUrl: () => (site === undefined ? undefined : `${httpApi.url}${site.newLink()}`),
    ...(doors === undefined
      ? {}
      : { backDoor: { gateway: doors, url: doors.url, region, credentials: localCredentials } }),
    composeEdge(wrap) {
      const { wrapPorts = (ports: Ports) => ports } = options;
      const edge = createService({ ...parts, wrap: (ports) => wrap(wrapPorts(ports)) });
      return { broker: edge.broker, flush: edge.flush };
    },
    async exposeMetrics(host, port) {
      metricsServer ??= await startMetricsServer({ host, port }, scrape);
      return metricsServer.url;
    },
    async exposeTables() {
      tables ??= await engine.listen();
      return tables.url;
    },
    async exposeQueues() {
      queuesListener ??= await queues.listen();
      return queuesListener.url;
    },
    async close() {
      await metricsServer?.close();
      await httpApi.close();
      await doors?.close();
      await gateway.close();
      await queues.close();
      await tables?.close();
      await engine.close();
    },
  };
}
