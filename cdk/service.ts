import { Annotations, Duration } from 'aws-cdk-lib';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { publishOriginsVariable, tenantMetricsVariable } from '../lib/aws/environment.ts';
import { formatOriginList } from '../lib/core/origins.ts';
import { tableNames } from '../lib/store/schema.ts';
import { type Access, access, accessOf, edgeAccess } from './access.ts';
import { lacksConcurrency, minAccountConcurrency } from './account-quotas.ts';
import { CustomDomain } from './constructs/custom-domain.ts';
import { Edge } from './constructs/edge/edge.ts';
import type { Fleet } from './constructs/edge/fleet.ts';
import { grantPutEvents } from './constructs/event-bus.ts';
import { FanoutQueue, fanoutTimeout } from './constructs/fanout-queue.ts';
import { Gateway, routeTimeout } from './constructs/gateway.ts';
import type { Grantee } from './constructs/grantee.ts';
import { HttpGateway } from './constructs/http-gateway.ts';
import { InboundQueue } from './constructs/inbound-queue.ts';
import { grantReadIssuerSecrets } from './constructs/issuer-secrets.ts';
import { Monitoring } from './constructs/monitoring.ts';
import { grantRuleSecrets } from './constructs/rules/rule-secrets.ts';
import { Rules } from './constructs/rules/rules.ts';
import { ServiceFunction } from './constructs/service-function.ts';
import { Tables } from './constructs/tables.ts';
import { TimerQueue, timerTimeout } from './constructs/timer-queue.ts';
import type { EdgeSettings } from './edge-settings.ts';
import { functionNames, type StageSettings } from './settings.ts';

/** The parts of a service that its outputs and other stacks refer to. */
export interface ServiceParts {
  /** WebSocket URL for clients; with the custom domain, if there is one. */
  readonly webSocketUrl: string;
  readonly http: HttpGateway;
  readonly tables: Tables;
  readonly timers: TimerQueue;
  readonly fanout: FanoutQueue;
  readonly gateway: Gateway;
  readonly inbound?: InboundQueue;
  readonly edge?: Edge;
  readonly fleet?: Fleet;
  readonly rules?: Rules;
  /** Present if alarms are sent to an address. */
  readonly alarmTopic?: ITopic;
  /** EventBridge bus of lifecycle events. */
  readonly eventBusName?: string;
  /** Setting `tables`, as it is given on the command line. */
  readonly existingTables?: string;
}

/**
 * Adds all constructs of the service directly to `scope`, so that the logical ids of a stack and of
 * a construct within another stack are made the same way.
 */
export function addService(scope: Construct, settings: StageSettings): ServiceParts {
  const tables = new Tables(scope, 'Tables', settings);
  const timers = new TimerQueue(scope, 'Timers');
  const fanout = new FanoutQueue(scope, 'Slices');
  const gateway = new Gateway(scope, 'Gateway', settings);
  const functions = addFunctions(scope, settings);
  if (lacksConcurrency(settings))
    Annotations.of(scope).addInfoV2(
      'wisp:concurrency',
      `no concurrency is reserved: -c accountConcurrency=N tells Lambda's quota of the account, at least ${minAccountConcurrency}`,
    );

  const edge = settings.edge && addEdge(scope, settings, settings.edge, gateway);
  const rules = settings.rules && new Rules(scope, 'Rules', settings, settings.rules);
  const granting = {
    settings,
    tables,
    timers,
    fanout,
    gateway,
    ...(edge === undefined ? {} : { edge }),
    ...(rules === undefined ? {} : { rules }),
  };
  const present = { edge: edge !== undefined, rules: rules !== undefined };
  for (const name of functionNames) grantAccess(functions[name], accessOf(name, present), granting);
  if (edge !== undefined) {
    grantAccess(edge.backDoorFunction, access.backDoor, granting);
    grantAccess(edge.policy, edgeAccess, granting);
  }
  for (const { name, worker } of rules?.lanes ?? []) grantAccess(worker, access[name], granting);
  if (rules !== undefined) grantAccess(rules.ownRules, access.ownRules, granting);
  rules?.deliver();
  const inbound = settings.inbound && new InboundQueue(scope, 'Inbound', settings);
  if (inbound !== undefined) grantAccess(inbound.worker, access.inbound, granting);
  for (const target of [functions.publish, rules?.ownRules])
    target?.addEnvironment(publishOriginsVariable, formatOriginList(settings.publishOrigins));
  gateway.addRoutes(functions);
  timers.deliverTo(functions.timer, settings);
  fanout.deliverTo(functions.fanout, settings);
  const http = new HttpGateway(scope, 'Http', settings, {
    ...functions,
    ...(rules === undefined ? {} : { ownRules: rules.ownRules }),
  });

  const domain = settings.domain && new CustomDomain(scope, 'Domain', gateway, settings.domain);
  const fleet = edge?.addFleet();
  const parts = {
    http,
    tables,
    timers,
    fanout,
    gateway,
    ...(inbound === undefined ? {} : { inbound }),
    ...(edge === undefined ? {} : { edge }),
    ...(fleet === undefined ? {} : { fleet }),
    ...(rules === undefined ? {} : { rules }),
  };
  const monitoring =
    settings.alarms || settings.alarmEmail !== undefined
      ? new Monitoring(scope, 'Monitoring', settings, { functions, ...parts })
      : undefined;
  const { topic } = monitoring ?? {};

  return {
    webSocketUrl: domain?.url ?? gateway.url,
    ...parts,
    ...(topic === undefined ? {} : { alarmTopic: topic }),
    ...(settings.eventBusName === undefined ? {} : { eventBusName: settings.eventBusName }),
    ...(settings.existingTables === undefined
      ? {}
      : {
          existingTables: Object.entries(settings.existingTables)
            .map((pair) => pair.join(':'))
            .join(','),
        }),
  };
}

/** Where permissions come from. */
interface Granting {
  readonly settings: StageSettings;
  readonly tables: Tables;
  readonly timers: TimerQueue;
  readonly fanout: FanoutQueue;
  readonly gateway: Gateway;
  readonly edge?: Edge;
  readonly rules?: Rules;
}

/** Gives `target` the permissions and the environment of its page in cdk/access.ts. */
function grantAccess(
  target: Grantee,
  {
    connections,
    tables: kinds,
    indexes = {},
    timers: setsTimers,
    looks = false,
    publishes = false,
    issuerSecrets = false,
    makesRules = false,
    ruleSecrets,
  }: Access,
  { settings, tables, timers, fanout, gateway, edge, rules }: Granting,
): void {
  for (const kind of tableNames) {
    const actions = kinds[kind];
    if (actions !== undefined) tables.grant(target, kind, actions);
    for (const index of indexes[kind] ?? []) tables.grantIndex(target, kind, index);
  }
  if (connections) gateway.grantManageConnections(target);
  if (connections) edge?.backDoor.grantPost(target);
  if (setsTimers) timers.grantSend(target);
  if (looks) timers.grantSendLooks(target);
  if (publishes) fanout.grantSend(target);
  if (publishes || makesRules) rules?.grantSend(target);
  if (issuerSecrets) grantReadIssuerSecrets(target);
  if (ruleSecrets !== undefined) grantRuleSecrets(target, ruleSecrets);
  if (settings.tenantMetrics && kinds.usage !== undefined)
    target.addEnvironment(tenantMetricsVariable, 'true');
  // Whoever manages connections may end one, which is an event.
  if (connections && settings.eventBusName !== undefined) grantPutEvents(target, settings.eventBusName);
}

function addEdge(scope: Construct, settings: StageSettings, edge: EdgeSettings, gateway: Gateway): Edge {
  const backDoorFunction = new ServiceFunction(scope, 'BackDoor', settings, {
    name: 'backDoor',
    description: 'Connections of processes of the edge',
    timeout: routeTimeout,
  });
  return new Edge(scope, 'Edge', settings, edge, { backDoorFunction, gateway });
}

function addFunctions(
  scope: Construct,
  settings: StageSettings,
): Record<(typeof functionNames)[number], ServiceFunction> {
  return {
    connect: new ServiceFunction(scope, 'Connect', settings, {
      name: 'connect',
      description: 'WebSocket handshake',
      timeout: Duration.seconds(10),
    }),
    message: new ServiceFunction(scope, 'Message', settings, {
      name: 'message',
      description: 'Frames from clients',
      timeout: routeTimeout,
    }),
    disconnect: new ServiceFunction(scope, 'Disconnect', settings, {
      name: 'disconnect',
      description: 'Closed connections: Wills and session expiry',
      timeout: routeTimeout,
    }),
    timer: new ServiceFunction(scope, 'Timer', settings, {
      name: 'timer',
      description: 'Timers that came due',
      timeout: timerTimeout,
      // A timer longer than 15 minutes is a chain of messages from this function to its own queue,
      // which Lambda would cut after some 16 links:
      // https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
      recursiveLoop: RecursiveLoop.ALLOW,
    }),
    fanout: new ServiceFunction(scope, 'Fanout', settings, {
      name: 'fanout',
      description: 'Slices of large audiences',
      timeout: fanoutTimeout,
      // A connection found gone may have left a Will for a large audience.
      recursiveLoop: RecursiveLoop.ALLOW,
    }),
    admin: new ServiceFunction(scope, 'Admin', settings, {
      name: 'admin',
      description: 'Admin API',
      timeout: routeTimeout,
    }),
    publish: new ServiceFunction(scope, 'Publish', settings, {
      name: 'publish',
      description: 'Publishing over HTTP',
      timeout: routeTimeout,
    }),
  };
}
