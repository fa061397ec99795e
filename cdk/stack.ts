import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { tenantMetricsVariable } from '../lib/aws/environment.ts';
import { tableNames } from '../lib/store/schema.ts';
import { access } from './access.ts';
import { CustomDomain } from './constructs/custom-domain.ts';
import { grantPutEvents } from './constructs/event-bus.ts';
import { FanoutQueue, fanoutTimeout } from './constructs/fanout-queue.ts';
import { Gateway, routeTimeout } from './constructs/gateway.ts';
import { HttpGateway } from './constructs/http-gateway.ts';
import { grantReadIssuerSecrets } from './constructs/issuer-secrets.ts';
import { Monitoring } from './constructs/monitoring.ts';
import { ServiceFunction } from './constructs/service-function.ts';
import { capitalised, Tables } from './constructs/tables.ts';
import { TimerQueue, timerTimeout } from './constructs/timer-queue.ts';
import { type FunctionName, functionNames, type StageSettings } from './settings.ts';

/** The whole service. Its outputs are what clients (`WebSocketUrl`) and the `wisp` command (the rest) need. */
export class WispStack extends Stack {
  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id, {
      stackName: settings.stackName,
      description: 'Wisp: MQTT over API Gateway WebSockets, Lambda and DynamoDB',
      terminationProtection: settings.retainData,
    });
    const tables = new Tables(this, 'Tables', settings);
    const timers = new TimerQueue(this, 'Timers');
    const fanout = new FanoutQueue(this, 'Slices');
    const gateway = new Gateway(this, 'Gateway', settings);
    const functions = this.makeFunctions(settings);

    for (const name of functionNames) {
      const {
        connections,
        tables: kinds,
        indexes = {},
        timers: setsTimers,
        publishes = false,
        issuerSecrets = false,
      } = access[name];
      for (const kind of tableNames) {
        const actions = kinds[kind];
        if (actions !== undefined) tables.grant(functions[name], kind, actions);
        for (const index of indexes[kind] ?? []) tables.grantIndex(functions[name], kind, index);
      }
      if (connections) gateway.grantManageConnections(functions[name]);
      if (setsTimers) timers.grantSend(functions[name]);
      if (publishes) fanout.grantSend(functions[name]);
      if (issuerSecrets) grantReadIssuerSecrets(functions[name]);
      if (settings.tenantMetrics && kinds.usage !== undefined)
        functions[name].addEnvironment(tenantMetricsVariable, 'true');
      // Whoever manages connections may end some.
      if (connections && settings.eventBusName !== undefined)
        grantPutEvents(functions[name], settings.eventBusName);
    }
    gateway.addRoutes(functions);
    timers.deliverTo(functions.timer, settings);
    fanout.deliverTo(functions.fanout, settings);
    const http = new HttpGateway(this, 'Http', settings, functions);

    const domain = settings.domain && new CustomDomain(this, 'Domain', gateway, settings.domain);
    new Monitoring(this, 'Monitoring', settings, {
      functions,
      gateway,
      tables,
      timers,
      fanout,
    });

    this.addOutput('WebSocketUrl', domain?.url ?? gateway.url, 'URL for clients');
    this.addOutput('AdminUrl', http.adminUrl, 'Admin API, with IAM authorisation');
    this.addOutput('PublishUrl', http.publishUrl, 'Publishing over HTTP, for tenants');
    for (const kind of tableNames) {
      this.addOutput(`${capitalised(kind)}TableName`, tables.byKind[kind].tableName, `Table of ${kind}`);
    }
    this.addOutput('TimerQueueUrl', timers.queue.queueUrl, 'Queue of timers');
  }

  private makeFunctions(settings: StageSettings): Record<FunctionName, ServiceFunction> {
    return {
      connect: new ServiceFunction(this, 'Connect', settings, {
        name: 'connect',
        description: 'WebSocket handshake',
        timeout: Duration.seconds(10),
      }),
      message: new ServiceFunction(this, 'Message', settings, {
        name: 'message',
        description: 'Frames from clients',
        timeout: routeTimeout,
      }),
      disconnect: new ServiceFunction(this, 'Disconnect', settings, {
        name: 'disconnect',
        description: 'Closed connections: Wills and session expiry',
        timeout: routeTimeout,
      }),
      timer: new ServiceFunction(this, 'Timer', settings, {
        name: 'timer',
        description: 'Timers that came due',
        timeout: timerTimeout,
        // A timer longer than 15 minutes is a chain of messages from this function to its own queue, which
        // Lambda would cut after some 16 links: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        recursiveLoop: RecursiveLoop.ALLOW,
      }),
      fanout: new ServiceFunction(this, 'Fanout', settings, {
        name: 'fanout',
        description: 'Slices of large audiences',
        timeout: fanoutTimeout,
        // A connection found gone may have left a Will for a large audience.
        recursiveLoop: RecursiveLoop.ALLOW,
      }),
      admin: new ServiceFunction(this, 'Admin', settings, {
        name: 'admin',
        description: 'Admin API',
        timeout: routeTimeout,
      }),
      publish: new ServiceFunction(this, 'Publish', settings, {
        name: 'publish',
        description: 'Publishing over HTTP',
        timeout: routeTimeout,
      }),
    };
  }

  private addOutput(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description });
  }
}
