import { clientHost, urlHost } from './url-host.ts';

/** Name of the tenant that the first start creates. */
export const demoTenant = 'demo';

export interface GreetingFacts {
  readonly url: string;
  readonly mqttPort: number;
  readonly tlsPort: number;
  readonly caPath: string;
  readonly wsPort: number;
  readonly tablesUrl: string;
  readonly queuesUrl: string;
  readonly adminUrl: string;
  readonly publishUrl: string;
  readonly consoleUrl: string;
  readonly metricsUrl: string;
  readonly host: string;
  /** Whether stock clients are served by an edge, in place of the bridge. */
  readonly isEdge?: boolean;
  readonly token: string | undefined;
  readonly dataDirectory?: string;
}

/** The start-up lines: all addresses, and commands to paste. */
export function greeting(facts: GreetingFacts): string[] {
  const { mqttPort, tlsPort, wsPort } = facts;
  const host = urlHost(facts.host);
  const stored =
    facts.dataDirectory === undefined ? 'in memory until the process ends' : `in ${facts.dataDirectory}`;
  const where = [
    'Wisp is running. Ctrl-C ends it.',
    '',
    `  console, for a browser   ${facts.consoleUrl}`,
    `  gateway (wire profile)   ${facts.url}`,
    `  MQTT over TCP            mqtt://${host}:${mqttPort}`,
    `  MQTT over TLS            mqtts://${host}:${tlsPort}`,
    `  MQTT over WebSocket      ws://${host}:${wsPort}/mqtt`,
    ...(facts.isEdge === true ? ['  these three are served   by an edge, in place of the bridge'] : []),
    `  publish over HTTP        ${facts.publishUrl}`,
    `  admin API                ${facts.adminUrl}`,
    `  metrics (OpenMetrics)    ${facts.metricsUrl}`,
    `  tables (DynamoDB API)    ${facts.tablesUrl}`,
    `  queues (SQS API)         ${facts.queuesUrl}`,
    `  state                    ${stored}`,
    '',
  ];
  return [...where, ...(facts.token === undefined ? withoutToken : toPaste(facts, facts.token))];
}

const withoutToken = [
  `No token for tenant "${demoTenant}": its private key is not on this machine.`,
  'Create your own tenant: npx wisp tenant create mine && npx wisp token mine',
];

function toPaste(facts: GreetingFacts, token: string): string[] {
  const { host, mqttPort, tlsPort, caPath, wsPort } = facts;
  const user = `-u ${demoTenant} -P "$TOKEN"`;
  const address = `-h ${clientHost(host)} -p ${mqttPort} ${user}`;
  const secure = `--cafile '${caPath}' -h ${clientHost(host)} -p ${tlsPort} ${user}`;
  const url = `ws://${urlHost(host)}:${wsPort}/mqtt`;
  return [
    `Tenant "${demoTenant}", token for 30 days (all topics). To try it, paste into other terminals:`,
    '',
    `  export TOKEN=${token}`,
    '',
    `  mosquitto_sub ${address} -t 'hello/#' -v`,
    `  mosquitto_pub ${address} -t hello/world -m hi`,
    '',
    'The same over TLS, with a certificate that this machine made for itself:',
    '',
    `  mosquitto_sub ${secure} -t 'hello/#' -v`,
    '',
    'The same with MQTT.js, in a directory where it is installed (as in this one):',
    '',
    `  node -e "require('mqtt').connect('${url}', { username: '${demoTenant}', password: process.env.TOKEN })` +
      ".subscribe('hello/#').on('message', (topic, payload) => console.log(topic, String(payload)))\"",
  ];
}
