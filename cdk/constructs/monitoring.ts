import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { metrics as counters, metricsNamespace } from '../../lib/core/metrics.ts';
import type { FunctionName, StageSettings } from '../settings.ts';
import type { FanoutQueue } from './fanout-queue.ts';
import type { Gateway } from './gateway.ts';
import type { ServiceFunction } from './service-function.ts';
import type { Tables } from './tables.ts';
import type { TimerQueue } from './timer-queue.ts';

export interface Monitored {
  readonly functions: Readonly<Record<FunctionName, ServiceFunction>>;
  readonly gateway: Gateway;
  readonly tables: Tables;
  readonly timers: TimerQueue;
  readonly fanout: FanoutQueue;
}

const period = Duration.minutes(5);

/** The id of an alarm is the name of its section in `docs/runbook.md`. */
interface AlarmSettings {
  readonly meaning: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Consecutive periods of five minutes that must reach the threshold. */
  readonly periods: number;
}

/** Alarms, each with a section in the runbook, and one dashboard with their metrics. */
export class Monitoring extends Construct {
  private readonly topic: Topic | undefined;

  constructor(scope: Construct, id: string, settings: StageSettings, monitored: Monitored) {
    super(scope, id);
    this.topic = settings.alarmEmail === undefined ? undefined : this.makeTopic(settings.alarmEmail);
    const metrics = collect(monitored);
    this.addAlarms(metrics);
    this.addDashboard(metrics, monitored, settings.stackName);
  }

  private addAlarms(metrics: Metrics): void {
    this.addAlarm('FunctionErrors', {
      meaning: 'functions fail: clients get an error frame and reconnect, timers are tried again',
      metric: metrics.functionErrors,
      threshold: 5,
      periods: 1,
    });
    this.addAlarm('FunctionThrottles', {
      meaning: 'Lambda throttles invocations: the concurrency is used up',
      metric: metrics.functionThrottles,
      threshold: 1,
      periods: 2,
    });
    this.addAlarm('MessageSlow', {
      meaning: 'p99 of frame duration exceeds 10 s; clients give up after 35 s',
      metric: metrics.messageDuration,
      threshold: 10_000,
      periods: 3,
    });
    this.addAlarm('TimersDead', {
      meaning: 'timers failed five times and are in the dead-letter queue: Wills or expiries did not happen',
      metric: metrics.timersDead,
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('TimersBehind', {
      meaning: 'timers that are due wait: Wills and expiries come late',
      metric: metrics.timersDue,
      threshold: 1_000,
      periods: 3,
    });
    this.addAlarm('FanoutDead', {
      meaning:
        'messages to large audiences failed repeatedly and are in the dead-letter queue: subscribers lack them',
      metric: metrics.fanoutDead,
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('FanoutBehind', {
      meaning: 'messages to large audiences wait for more than five minutes',
      metric: metrics.fanoutAgeSeconds,
      threshold: 300,
      periods: 2,
    });
    this.addAlarm('GatewayErrors', {
      meaning: 'API Gateway cannot call a function, or a function answers in a way it does not understand',
      metric: metrics.gatewayErrors,
      threshold: 5,
      periods: 1,
    });
    // Two alarms, because one may read ten metrics: reads and writes of at most five tables.
    this.addAlarm('TableReadThrottles', {
      meaning: 'DynamoDB refuses reads: one key is hot, or traffic grew faster than the table',
      metric: metrics.tableReadThrottles,
      threshold: 10,
      periods: 2,
    });
    this.addAlarm('TableWriteThrottles', {
      meaning: 'DynamoDB refuses writes: one key is hot, or traffic grew faster than the table',
      metric: metrics.tableWriteThrottles,
      threshold: 10,
      periods: 2,
    });
  }

  private addAlarm(id: string, { meaning, metric, threshold, periods }: AlarmSettings): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `Wisp: ${meaning}. See docs/runbook.md, section ${id}.`,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (this.topic !== undefined) {
      alarm.addAlarmAction(new SnsAction(this.topic));
      alarm.addOkAction(new SnsAction(this.topic));
    }
  }

  private makeTopic(email: string): Topic {
    const topic = new Topic(this, 'Topic', { enforceSSL: true });
    // Any policy replaces the one by which a topic's account may publish; enforceSSL only denies.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  private addDashboard(metrics: Metrics, { functions, gateway }: Monitored, deployment: string): void {
    const names = Object.keys(functions) as FunctionName[];
    const perFunction = (read: (target: ServiceFunction) => Metric): Metric[] =>
      names.map((name) => read(functions[name]).with({ label: name, period }));
    const graph = (title: string, left: IMetric[]): GraphWidget =>
      new GraphWidget({ title, left, width: 8, height: 6 });
    const gatewaySum = (name: string): Metric => gatewayMetric(gateway, name);
    const counted = (title: string, names: readonly Counter[]): GraphWidget =>
      graph(
        title,
        names.map((name) => counterMetric(deployment, name)),
      );
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph('Connects and frames', [gatewaySum('ConnectCount'), gatewaySum('MessageCount')]),
          graph('Gateway errors', ['ClientError', 'ExecutionError', 'IntegrationError'].map(gatewaySum)),
          graph(
            'Duration p99 (ms)',
            perFunction((target) => target.metricDuration({ statistic: Stats.p(99) })),
          ),
        ],
        [
          graph(
            'Invocations',
            perFunction((target) => target.metricInvocations()),
          ),
          graph(
            'Errors',
            perFunction((target) => target.metricErrors()),
          ),
          graph(
            'Throttles',
            perFunction((target) => target.metricThrottles()),
          ),
        ],
        [
          graph('Timers due', [metrics.timersDue]),
          graph('Timers in the dead-letter queue', [metrics.timersDead]),
          graph('Table throttles', [metrics.tableReadThrottles, metrics.tableWriteThrottles]),
        ],
        [
          graph('Fan-out slices waiting', [metrics.fanoutWaiting]),
          graph('Oldest fan-out slice (s)', [metrics.fanoutAgeSeconds]),
          graph('Fan-out slices in the dead-letter queue', [metrics.fanoutDead]),
        ],
        [
          counted('Messages', ['messagesReceived', 'messagesDelivered', 'connectsAccepted']),
          counted('Refused', [
            'connectsRefused',
            'publishesNotAuthorized',
            'publishesOverQuota',
            'subscriptionsNotAuthorized',
            'protocolErrors',
          ]),
          counted('Not delivered', [
            'messagesDroppedQueueFull',
            'messagesDroppedTooLarge',
            'messagesExpired',
            'postsGone',
            'postsFailed',
          ]),
        ],
      ],
    });
  }
}

type Metrics = ReturnType<typeof collect>;

function collect({ functions, gateway, tables, timers, fanout }: Monitored) {
  const all = Object.entries(functions);
  const throttles = (way: 'Read' | 'Write'): MathExpression =>
    sum(
      `table ${way.toLowerCase()} throttles`,
      Object.entries(tables.byKind).map(([kind, table]) => [
        `${kind}${way}`,
        table.metric(`${way}ThrottleEvents`, { statistic: Stats.SUM, period }),
      ]),
    );
  const visible = { statistic: Stats.MAXIMUM, period };
  return {
    functionErrors: sum(
      'function errors',
      all.map(([name, target]) => [name, target.metricErrors({ period })]),
    ),
    functionThrottles: sum(
      'function throttles',
      all.map(([name, target]) => [name, target.metricThrottles({ period })]),
    ),
    messageDuration: functions.message.metricDuration({ statistic: Stats.p(99), period }),
    timersDue: timers.queue.metricApproximateNumberOfMessagesVisible(visible),
    timersDead: timers.deadLetters.metricApproximateNumberOfMessagesVisible(visible),
    fanoutWaiting: fanout.queue.metricApproximateNumberOfMessagesVisible(visible),
    fanoutAgeSeconds: fanout.queue.metricApproximateAgeOfOldestMessage(visible),
    fanoutDead: fanout.deadLetters.metricApproximateNumberOfMessagesVisible(visible),
    gatewayErrors: gatewayMetric(gateway, 'ExecutionError'),
    tableReadThrottles: throttles('Read'),
    tableWriteThrottles: throttles('Write'),
  };
}

/**
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
 */
function gatewayMetric(gateway: Gateway, metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    dimensionsMap: { ApiId: gateway.api.apiId, Stage: gateway.stage.stageName },
    statistic: Stats.SUM,
    period,
  });
}

type Counter = keyof typeof counters;

/** A counter that the functions write in embedded metric format: lib/aws/log.ts. */
function counterMetric(deployment: string, name: Counter): Metric {
  return new Metric({
    namespace: metricsNamespace,
    metricName: counters[name],
    dimensionsMap: { service: deployment },
    statistic: Stats.SUM,
    period,
  });
}

/** Sum of at most ten metrics, the limit of one alarm. */
function sum(label: string, metrics: readonly (readonly [string, IMetric])[]): MathExpression {
  return new MathExpression({
    label,
    expression: metrics.map(([id]) => `FILL(${id}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics),
    period,
  });
}
