import { admin } from '../api/call.ts';
import type { Explanation, Recipient } from '../api/topic-types.ts';
import { useLoad } from '../api/use-load.ts';
import { usePaged } from '../api/use-paged.ts';
import { bytes, number } from '../format.ts';
import { Badge, Facts } from '../parts/facts.tsx';
import { Empty, Note, ProblemNotice } from '../parts/notices.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { linkTo } from '../route.ts';

const outcomes = {
  sent: ['good', 'sent at once'],
  queued: ['warning', 'queued'],
  perhaps: ['plain', 'one of the share'],
  dropped: ['bad', 'not delivered'],
} as const;

/** Who would get a message on a topic, and what would become of it. Nothing is published. */
export function TopicRecipients({ tenant, topic }: { readonly tenant: string; readonly topic: string }) {
  const path = `/tenants/${encodeURIComponent(tenant)}/explain`;
  const whole = useLoad<Explanation>(
    (signal) => admin('GET', path, { query: { topic, limit: 1 }, signal }),
    [path, topic],
  );
  const recipients = usePaged<Recipient>(path, 'recipients', { topic });
  const { problem } = recipients;
  if (problem !== undefined)
    return <ProblemNotice problem={problem} retry={() => void recipients.reload()} />;
  const { retained, rules = [], findings = [] } = whole.value ?? {};
  return (
    <div class="stack">
      {findings.map(({ code, text }) => (
        <Note key={code}>{text}</Note>
      ))}
      <Table
        caption={`Who would get a message on ${topic}`}
        columns={columnsOf(tenant)}
        items={recipients.items}
        keyOf={({ clientId, filter }) => JSON.stringify([clientId, filter])}
        isLoading={recipients.isLoading}
        empty={
          <Empty title="No client subscribes to this topic">
            A message would reach rules alone, and wait as a retained one if it is published with Retain.
          </Empty>
        }
      />
      <Pager paged={recipients} />
      <div class="card">
        <Facts
          of={[
            [
              'Retained message',
              retained === undefined ? 'none' : `QoS ${retained.qos}, ${bytes(retained.payloadBytes)}`,
            ],
            [
              'Rules',
              rules.length === 0
                ? 'none'
                : rules.map((rule) => <Fired key={rule.name} {...rule} tenant={tenant} />),
            ],
          ]}
        />
      </div>
    </div>
  );
}

function Fired(props: Explanation['rules'][number] & { readonly tenant: string }) {
  const { tenant, name, filter, status, hasPattern } = props;
  return (
    <p>
      <a class="mono" href={linkTo('rules', tenant, { rule: name })}>
        {name}
      </a>{' '}
      ({filter}, {status}
      {hasPattern && ', if its pattern matches'})
    </p>
  );
}

function columnsOf(tenant: string): readonly Column<Recipient>[] {
  return [
    {
      title: 'Client id',
      cell: ({ clientId }) => (
        <a class="mono" href={linkTo('clients', tenant, { client: clientId })}>
          {clientId}
        </a>
      ),
    },
    { title: 'Topic filter', cell: ({ filter }) => <span class="mono">{filter}</span> },
    { title: 'QoS', cell: ({ qos }) => String(qos), isNumber: true },
    {
      title: 'Outcome',
      cell: ({ outcome }) => <Badge kind={outcomes[outcome][0]}>{outcomes[outcome][1]}</Badge>,
    },
    {
      title: 'Why',
      cell: ({ findings, queue }) => (
        <span class="small">
          {findings.map(({ text }) => text).join(' ')}
          {queue !== undefined && ` Queue: ${number(queue.messages)} of ${number(queue.bound)}.`}
        </span>
      ),
    },
  ];
}
