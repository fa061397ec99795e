import { Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { metricsNamespace } from '../../lib/core/metrics.ts';
import type { StageSettings } from '../settings.ts';
import { addDashboard } from './dashboard.ts';
import type { Fleet } from './edge/fleet.ts';
import type { InboundQueue } from './inbound-queue.ts';
import {
  accountMetric,
  collect,
  counterMetric,
  fleetMetrics,
  inboundMetrics,
  type Metrics,
  type Monitored,
  notAuthorizedMetric,
  period,
  ruleMetrics,
} from './monitored-metrics.ts';
import type { Rules } from './rules/rules.ts';

/** The id of an alarm is the name of its section in `docs/runbook.md`. */
interface AlarmSettings {
  readonly meaning: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Consecutive periods of five minutes that must reach the threshold. */
  readonly periods: number;
  /** Whether a value below the threshold is the fault, and none at all too. */
  readonly isMissed?: boolean;
}

/** Alarms, each with a section in the runbook, and the dashboard. */
export class Monitoring extends Construct {
  /** Topic of the alarms, if they are sent to an address. */
  readonly topic: Topic | undefined;

  constructor(scope: Construct, id: string, settings: StageSettings, monitored: Monitored) {
    super(scope, id);
    this.topic = settings.alarmEmail === undefined ? undefined : this.makeTopic(settings.alarmEmail);
    const metrics = collect(monitored);
    this.addAlarms(metrics);
    this.addAccountAlarms(settings);
    this.addCounterAlarms(settings.stackName);
    this.addThrottledAlarm(settings, monitored);
    if (monitored.inbound !== undefined) this.addInboundAlarms(monitored.inbound);
    if (monitored.edge !== undefined) this.addEdgeAlarms(settings.stackName);
    if (monitored.fleet !== undefined) this.addFleetAlarms(monitored.fleet);
    if (monitored.rules !== undefined) this.addRuleAlarms(monitored.rules, settings.stackName);
    addDashboard(this, metrics, monitored, settings.stackName);
  }

  private addAlarms(metrics: Metrics): void {
    this.addAlarm('FunctionErrors', {
      meaning: 'functions fail: clients get an error frame and reconnect, timers are tried again',
      metric: metrics.functionErrors,
      threshold: 5,
      periods: 1,
    });
    this.addAlarm('FunctionThrottles', {
      meaning: 'Lambda throttles invocations in this account and region: the concurrency is used up',
      metric: accountMetric('Throttles', Stats.SUM),
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
    this.addAlarm('LooksBehind', {
      meaning: 'looks at connections wait for more than five minutes: clients that died keep their sessions',
      metric: metrics.looksAgeSeconds,
      threshold: 300,
      periods: 2,
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
    this.addAlarm('HttpErrors', {
      meaning: 'the HTTP API answers with 5xx: the admin API or publishing over HTTP fails',
      metric: metrics.httpErrors,
      threshold: 5,
      periods: 1,
    });
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

  /** The concurrency of the account, before it is used up. */
  private addAccountAlarms({ accountConcurrency = 1_000 }: StageSettings): void {
    this.addAlarm('ConcurrencyHigh', {
      meaning: 'four fifths of the concurrency of the account are in use',
      metric: accountMetric('ConcurrentExecutions', Stats.MAXIMUM),
      threshold: Math.ceil(0.8 * accountConcurrency),
      periods: 2,
    });
  }

  /** What the functions count themselves. */
  private addCounterAlarms(deployment: string): void {
    this.addAlarm('PostsFailed', {
      meaning: 'messages could not be posted to living connections; they wait for the next attempt',
      metric: counterMetric(deployment, 'postsFailed'),
      threshold: 10,
      periods: 2,
    });
    this.addAlarm('UsageWritesFailed', {
      meaning: 'usage of tenants was not written, so it is not billed and quotas are not exact',
      metric: counterMetric(deployment, 'usageWritesFailed'),
      threshold: 1,
      periods: 2,
    });
    this.addAlarm('ConnectsRefused', {
      meaning: 'many CONNECTs are refused: an issuer or its keys changed, or somebody tries tokens',
      metric: counterMetric(deployment, 'connectsRefused'),
      threshold: 100,
      periods: 3,
    });
    this.addAlarm('NotAuthorized', {
      meaning: 'many messages or subscriptions are refused with 0x87: rights do not fit what clients do',
      metric: notAuthorizedMetric(deployment),
      threshold: 1_000,
      periods: 3,
    });
  }

  /** API Gateway has no metric for 429 alone: the access logs tell. */
  private addThrottledAlarm(settings: StageSettings, { gateway, http }: Monitored): void {
    const groups = [gateway, http].flatMap(({ accessLogs }) => accessLogs ?? []);
    const [metric] = groups.map((logGroup, index) =>
      new MetricFilter(this, `Throttled${index}`, {
        logGroup,
        metricNamespace: `${metricsNamespace}/${settings.stackName}`,
        metricName: 'RequestsThrottled',
        filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
        metricValue: '1',
      }).metric({ statistic: Stats.SUM, period }),
    );
    if (metric === undefined) return;
    this.addAlarm('RequestsThrottled', {
      meaning: 'API Gateway answers with 429: a route has used up its share, or the account its quota',
      metric,
      threshold: 10,
      periods: 2,
    });
  }

  /** What processes of the edge, and those that look after them, count. */
  private addEdgeAlarms(deployment: string): void {
    this.addAlarm('EdgeDied', {
      meaning: 'a process of the edge died without a farewell: its clients were treated as lost',
      metric: counterMetric(deployment, 'edgesDead'),
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('BackDoorPostsFailed', {
      meaning: 'messages could not be posted to processes of the edge; they wait for the next attempt',
      metric: counterMetric(deployment, 'backDoorPostsFailed'),
      threshold: 10,
      periods: 2,
    });
  }

  private addInboundAlarms(inbound: InboundQueue): void {
    const { ageSeconds, dead } = inboundMetrics(inbound);
    this.addAlarm('InboundDead', {
      meaning: 'messages of the inbound queue were refused and are in its dead-letter queue',
      metric: dead,
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('InboundBehind', {
      meaning: 'messages of the inbound queue wait for more than an hour',
      metric: ageSeconds,
      threshold: 3_600,
      periods: 2,
    });
  }

  private addFleetAlarms(fleet: Fleet): void {
    const { cpu, memory, healthy, unhealthy } = fleetMetrics(fleet);
    this.addAlarm('EdgeDown', {
      meaning: 'no task of the edge accepts clients',
      metric: healthy,
      threshold: 1,
      periods: 1,
      isMissed: true,
    });
    this.addAlarm('EdgeUnhealthy', {
      meaning: 'a task of the edge fails its health check: it lost its lease, or cannot serve',
      metric: unhealthy,
      threshold: 1,
      periods: 2,
    });
    this.addAlarm('EdgeCpuHigh', {
      meaning: 'the tasks of the edge have little processor left, and scaling out does not help',
      metric: cpu,
      threshold: 85,
      periods: 3,
    });
    this.addAlarm('EdgeMemoryHigh', {
      meaning: 'a task of the edge has little memory left: at its end all its clients are disconnected',
      metric: memory,
      threshold: 85,
      periods: 2,
    });
  }

  private addRuleAlarms(rules: Rules, deployment: string): void {
    const { waiting, dead } = ruleMetrics(rules);
    this.addAlarm('RulesDead', {
      meaning: 'records of rules were given up: their targets refused them, or failed for too long',
      metric: counterMetric(deployment, 'rulesDead'),
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('RuleRecordsUnreadable', {
      meaning: 'records of rules failed a thousand times and are in a dead-letter queue',
      metric: dead,
      threshold: 1,
      periods: 1,
    });
    this.addAlarm('RulesBehind', {
      meaning: 'records of rules are not delivered as fast as they come',
      metric: waiting,
      threshold: 1_000,
      periods: 3,
    });
  }

  private addAlarm(
    id: string,
    { meaning, metric, threshold, periods, isMissed = false }: AlarmSettings,
  ): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `Wisp: ${meaning}. See docs/runbook.md, section ${id}.`,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: isMissed
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: isMissed ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
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
}
