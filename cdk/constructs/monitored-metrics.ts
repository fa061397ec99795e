import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { metrics as counters, metricsNamespace, refusalMetric } from '../../lib/core/metrics.ts';
import type { functionNames } from '../settings.ts';
import type { Edge } from './edge/edge.ts';
import type { Fleet } from './edge/fleet.ts';
import type { FanoutQueue } from './fanout-queue.ts';
import type { Gateway } from './gateway.ts';
import type { HttpGateway } from './http-gateway.ts';
import type { InboundQueue } from './inbound-queue.ts';
import type { Rules } from './rules/rules.ts';
import type { ServiceFunction } from './service-function.ts';
import type { Tables } from './tables.ts';
import type { TimerQueue } from './timer-queue.ts';

export type ClientFunction = (typeof functionNames)[number];

export interface Monitored {
  readonly functions: Readonly<Record<ClientFunction, ServiceFunction>>;
  readonly gateway: Gateway;
  readonly http: HttpGateway;
  readonly tables: Tables;
  readonly timers: TimerQueue;
  readonly fanout: FanoutQueue;
  readonly inbound?: InboundQueue;
  readonly edge?: Edge;
  readonly fleet?: Fleet;
  readonly rules?: Rules;
}

/** Of all metrics that alarms and the dashboard show. */
export const period = Duration.minutes(5);

/** The tasks of the edge and their load balancer. */
export function fleetMetrics({ service, balancer }: Fleet) {
  return {
    cpu: service.metricCpuUtilization({ period, statistic: Stats.AVERAGE }),
    memory: service.metricMemoryUtilization({ period, statistic: Stats.MAXIMUM }),
    healthy: balancer.hosts('HealthyHostCount').with({ period }),
    unhealthy: balancer.hosts('UnHealthyHostCount').with({ period }),
    flows: balancer.metric('ActiveFlowCount', Stats.AVERAGE).with({ period }),
    newFlows: balancer.metric('NewFlowCount', Stats.SUM).with({ period }),
  };
}

/** The queues of records of rules, those of both lanes together. */
export function ruleMetrics({ lanes }: Rules) {
  const visible = { statistic: Stats.MAXIMUM, period };
  return {
    waiting: sum(
      'records of rules',
      lanes.map(({ name, queue }) => [
        `${name}Waiting`,
        queue.queue.metricApproximateNumberOfMessagesVisible(visible),
      ]),
    ),
    dead: sum(
      'unreadable records of rules',
      lanes.map(({ name, queue }) => [
        `${name}Dead`,
        queue.deadLetters.metricApproximateNumberOfMessagesVisible(visible),
      ]),
    ),
  };
}

/** The inbound queue. */
export function inboundMetrics({ queue, deadLetters }: InboundQueue) {
  const visible = { statistic: Stats.MAXIMUM, period };
  return {
    ageSeconds: queue.metricApproximateAgeOfOldestMessage(visible),
    dead: deadLetters.metricApproximateNumberOfMessagesVisible(visible),
  };
}

export type Metrics = ReturnType<typeof collect>;

/** Tables of which one client or tenant can have a hot key. */
const hotTables = {
  Read: ['sessions', 'subscriptions', 'tenants'],
  Write: ['sessions', 'retained', 'usage'],
} as const;

export function collect({ functions, gateway, http, tables, timers, fanout, rules, inbound }: Monitored) {
  const workers = rules?.lanes.map(({ name, worker }) => [name, worker] as const) ?? [];
  const all = [
    ...Object.entries(functions),
    ...workers,
    ...(inbound === undefined ? [] : [['inbound', inbound.worker] as const]),
  ];
  const throttles = (way: 'Read' | 'Write'): MathExpression =>
    sum(
      `table ${way.toLowerCase()} throttles`,
      hotTables[way].map((kind) => [
        `${kind}${way}`,
        tables.byKind[kind].metric(`${way}ThrottleEvents`, { statistic: Stats.SUM, period }),
      ]),
    );
  const visible = { statistic: Stats.MAXIMUM, period };
  return {
    functionErrors: sum(
      'function errors',
      all.map(([name, target]) => [name, target.metricErrors({ period })]),
    ),
    messageDuration: functions.message.metricDuration({ statistic: Stats.p(99), period }),
    timersDue: timers.queue.metricApproximateNumberOfMessagesVisible(visible),
    looksAgeSeconds: timers.looks.metricApproximateAgeOfOldestMessage(visible),
    timersDead: timers.deadLetters.metricApproximateNumberOfMessagesVisible(visible),
    fanoutWaiting: fanout.queue.metricApproximateNumberOfMessagesVisible(visible),
    fanoutAgeSeconds: fanout.queue.metricApproximateAgeOfOldestMessage(visible),
    fanoutDead: fanout.deadLetters.metricApproximateNumberOfMessagesVisible(visible),
    httpErrors: http.serverErrors(period),
    gatewayErrors: gatewayMetric(gateway, 'ExecutionError'),
    tableReadThrottles: throttles('Read'),
    tableWriteThrottles: throttles('Write'),
  };
}

/**
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
 */
export function gatewayMetric(gateway: Gateway, metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    dimensionsMap: { ApiId: gateway.api.apiId, Stage: gateway.stage.stageName },
    statistic: Stats.SUM,
    period,
  });
}

/** A metric of Lambda for all functions of the account and region. */
export function accountMetric(metricName: string, statistic: string): Metric {
  return new Metric({ namespace: 'AWS/Lambda', metricName, statistic, period });
}

export type Counter = keyof typeof counters;

/** A counter that the functions write in embedded metric format: lib/aws/log.ts. */
export function counterMetric(deployment: string, name: Counter): Metric {
  return new Metric({
    namespace: metricsNamespace,
    metricName: counters[name],
    dimensionsMap: { service: deployment },
    statistic: Stats.SUM,
    period,
  });
}

/** What clients may not do: messages and subscriptions without a right to their topic (0x87). */
export function notAuthorizedMetric(deployment: string): MathExpression {
  return sum('not authorised', [
    ['publishes', counterMetric(deployment, 'publishesNotAuthorized')],
    ['subscriptions', counterMetric(deployment, 'subscriptionsNotAuthorized')],
  ]);
}

/**
 * Refusals by their code, whichever codes there are. A search costs a dashboard nothing; alarms
 * cannot use one.
 */
export function refusalsByCode(deployment: string): MathExpression {
  const { name, dimension } = refusalMetric;
  return new MathExpression({
    label: '',
    expression: `SEARCH('{${metricsNamespace},service,${dimension}} MetricName="${name}" service="${deployment}"', 'Sum', ${period.toSeconds()})`,
    usingMetrics: {},
    period,
  });
}

/**
 * Sum of at most ten metrics, the limit of one alarm. The operator `+` treats a missing value as 0,
 * so metrics without a point, such as that of a function that was never called, do not hide the
 * others. AWS advises against the function SUM in alarms, and `FILL` hides points that arrive late:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
function sum(label: string, metrics: readonly (readonly [string, IMetric])[]): MathExpression {
  return new MathExpression({
    label,
    expression: metrics.map(([id]) => id).join(' + '),
    usingMetrics: Object.fromEntries(metrics),
    period,
  });
}
