import { connectionReasons } from '../../lib/core/reasons/connections.ts';
import { consoleReasons } from '../../lib/core/reasons/console.ts';
import { deliveryReasons } from '../../lib/core/reasons/deliveries.ts';
import { httpReasons } from '../../lib/core/reasons/http.ts';
import { issuerReasons } from '../../lib/core/reasons/issuers.ts';
import { operationReasons } from '../../lib/core/reasons/operations.ts';
import { packetReasons } from '../../lib/core/reasons/packets.ts';
import { publishingReasons } from '../../lib/core/reasons/publishing.ts';
import { ruleReasons } from '../../lib/core/reasons/rules.ts';
import { authenticationReasons, tokenReasons } from '../../lib/core/reasons/tokens.ts';
import { toolReasons } from '../../lib/core/reasons/tools.ts';
import { topicReasons } from '../../lib/core/reasons/topics.ts';
import { type MqttReasonName, type Reason, v3Answer } from '../../lib/core/reasons.ts';

interface Area {
  readonly title: string;
  readonly about: string;
  readonly reasons: Readonly<Record<string, Reason>>;
}

/** The catalogue by area, in the order of the page. */
export const areas: readonly Area[] = [
  {
    title: 'Tokens and tenants',
    about: 'CONNECT, AUTH, the WebSocket handshake (401) and HTTP. [tokens.md](tokens.md) describes tokens.',
    reasons: { ...tokenReasons, ...authenticationReasons },
  },
  {
    title: 'Connections, sessions and subscriptions',
    about: 'Refused CONNECTs and SUBSCRIBEs, and why connections end.',
    reasons: connectionReasons,
  },
  {
    title: 'Publishing',
    about: 'Over MQTT, over HTTP and as a Will. [quotas.md](quotas.md) describes the quotas.',
    reasons: publishingReasons,
  },
  {
    title: 'Deliveries',
    about: 'Messages that were accepted and do not reach a subscriber. In the log and the counters.',
    reasons: deliveryReasons,
  },
  { title: 'Topics', about: 'Topic names, filters and aliases.', reasons: topicReasons },
  {
    title: 'Packets and frames',
    about: 'Violations of MQTT, or of the wire profile ([wire.md](wire.md)). The connection ends.',
    reasons: packetReasons,
  },
  {
    title: 'HTTP and the admin API',
    about: 'Problem documents (RFC 9457) have the code in the member `code`. See [admin.md](admin.md).',
    reasons: httpReasons,
  },
  {
    title: 'Issuers and their keys',
    about: 'The configuration of a tenant, and log entries about keys that cannot be loaded.',
    reasons: issuerReasons,
  },
  {
    title: 'Rules',
    about: 'The admin API refuses a rule, or a record of a rule becomes a failure. See [rules.md](rules.md).',
    reasons: ruleReasons,
  },
  {
    title: 'Operations',
    about: 'In logs and alarms only. See [runbook.md](runbook.md).',
    reasons: operationReasons,
  },
  {
    title: 'The command `wisp`, the local runtime and the bridge',
    about: 'Printed at the terminal, or logged by the bridge.',
    reasons: toolReasons,
  },
  {
    title: 'The console',
    about: 'Shown in the page that the machine of the operator serves.',
    reasons: consoleReasons,
  },
];

const head = `# Errors

Every code with which Wisp refuses, ends or fails something. Codes are stable: they stand in logs, in problem documents
of the HTTP APIs, in lifecycle events and in the source, and can be searched for. Clients of MQTT 5.0 get the message
as Reason String.

- **MQTT 5.0** is the reason code of CONNACK, PUBACK, PUBREC or SUBACK; the one of DISCONNECT follows where it differs.
  A token that AUTH renews is refused with 0x87 where DISCONNECT cannot carry the code.
- **MQTT 3.1.1** is the return code of CONNACK, or 0x80 in SUBACK. *close*: the connection is closed without a packet,
  because MQTT 3.1.1 has no code for it. A connection that was accepted is always closed without a packet.
- **HTTP** is the status of the problem document.

This page is written from \`lib/core/reasons.ts\` by \`npx vitest run test/core/reasons.test.ts -u\`.
`;

/** The text of docs/errors.md. */
export function errorsPage(): string {
  return `${[head, ...areas.map(section)].join('\n')}`;
}

function section({ title, about, reasons }: Area): string {
  const rows = Object.entries(reasons).map(([code, reason]) => `| ${row(code, reason).join(' | ')} |`);
  const header = '| code | MQTT 5.0 | MQTT 3.1.1 | HTTP | meaning | what to do |\n|---|---|---|---|---|---|';
  return `## ${title}\n\n${about}\n\n${header}\n${rows.join('\n')}\n`;
}

function row(code: string, { reasonCode, disconnectCode, http, message, remedy }: Reason): string[] {
  return [
    `\`${code}\``,
    [...hex(reasonCode), ...hex(disconnectCode).map((text) => `DISCONNECT ${text}`)].join(', '),
    reasonCode === undefined ? '' : v3Cell(v3Answer(code as MqttReasonName)),
    http === undefined ? '' : String(http),
    message,
    remedy,
  ];
}

function v3Cell(answer: number | 'close'): string {
  return answer === 0x80 ? '0x80' : String(answer);
}

function hex(code: number | undefined): string[] {
  return code === undefined ? [] : [`0x${code.toString(16).toUpperCase().padStart(2, '0')}`];
}
