import { Dashboard, GraphWidget, type IMetric, type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Fleet } from './edge/fleet.ts';
import {
  type ClientFunction,
  type Counter,
  counterMetric,
  fleetMetrics,
  gatewayMetric,
  type Metrics,
  type Monitored,
  period,
  refusalsByCode,
  ruleMetrics,
} from './monitored-metrics.ts';
import type { ServiceFunction } from './service-function.ts';

/** The dashboard of a deployment: traffic, errors, queues, and what its optional parts do. */
export function addDashboard(
  scope: Construct,
  metrics: Metrics,
  { functions, gateway, edge, fleet, rules }: Monitored,
  deployment: string,
): void {
  const names = Object.keys(functions) as ClientFunction[];
  const perFunction = (read: (target: ServiceFunction) => Metric): Metric[] =>
    names.map((name) => read(functions[name]).with({ label: name, period }));
  const graph = (title: string, left: IMetric[]): GraphWidget =>
    new GraphWidget({ title, left, width: 8, height: 6 });
  const gatewaySum = (name: string): Metric => gatewayMetric(gateway, name);
  const counted = (title: string, names: readonly Counter[], statistic: string = Stats.SUM): GraphWidget =>
    graph(
      title,
      names.map((name) => counterMetric(deployment, name).with({ statistic })),
    );
  new Dashboard(scope, 'Dashboard', {
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
        graph('Refused or dropped, by code', [refusalsByCode(deployment)]),
      ],
      [
        counted('Not delivered', [
          'messagesDroppedQueueFull',
          'messagesDroppedTooLarge',
          'messagesDroppedUnreadable',
          'messagesExpired',
          'postsGone',
          'postsFailed',
        ]),
      ],
      ...(edge === undefined
        ? []
        : [
            [
              counted('Connections of a process of the edge', ['edgeConnections'], Stats.AVERAGE),
              counted('Back door', ['edgesDead', 'backDoorPostsFailed']),
              counted('Clients refused at the edge', [
                'edgeClientsOverBounds',
                'edgeClientsSlow',
                'edgeClientsRefused',
              ]),
            ],
          ]),
      ...(fleet === undefined ? [] : [fleetGraphs(fleet, graph)]),
      ...(rules === undefined
        ? []
        : [
            [
              graph('Records of rules in the queues', Object.values(ruleMetrics(rules))),
              counted('Rules: delivered and failed', ['rulesDelivered', 'ruleAttemptsFailed', 'rulesDead']),
              counted('Rules: targets that fail', [
                'ruleCircuitsOpened',
                'rulesSlow',
                'ruleRecordsParked',
                'rulesPaused',
                'ruleFailuresDropped',
                'rulesCyclesCut',
              ]),
            ],
            rules.lanes.map(({ name, worker }) =>
              graph(`Function ${name}`, [
                worker.metricInvocations({ period }),
                worker.metricErrors({ period }),
                worker.metricThrottles({ period }),
              ]),
            ),
          ]),
    ],
  });
}

function fleetGraphs(fleet: Fleet, graph: (title: string, left: IMetric[]) => GraphWidget): GraphWidget[] {
  const { cpu, memory, healthy, unhealthy, flows, newFlows } = fleetMetrics(fleet);
  return [
    graph('Edge tasks: CPU and memory (%)', [cpu, memory]),
    graph('Edge tasks: healthy and not', [healthy, unhealthy]),
    graph('Load balancer: open and new connections', [flows, newFlows]),
  ];
}
