import { admin } from '../api/call.ts';
import type { Explanation, Recipient } from '../api/topic-types.ts';
import { useLoad } from '../api/use-load.ts';
import { usePaged } from '../api/use-paged.ts';
import { bytes, number } from '../format.ts';
import { Badge, Facts } from '../parts/facts.tsx';
import { ClientLink, RuleLink } from '../parts/links.tsx';
import { Empty, Note, ProblemNotice } from '../parts/notices.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { TopicQuestion } from './topic-question.tsx';

const outcomes = {
  sent: ['good', 'sent at once'],
  queued: ['warning', 'queued'],
  perhaps: ['plain', 'one of the share'],
  dropped: ['bad', 'not delivered'],
} as const;

/** Who would get a message, and what would become of it. Nothing is published. */
export function TopicRecipients(props: { readonly tenant: string; readonly question: TopicQuestion }) {
  const { tenant, question } = props;
  const { topic, client: clientId, publisher, qos } = question;
  const path = `/tenants/${encodeURIComponent(tenant)}/explain`;
  const query = { topic, publisher, qos };
  const { value, problem, reload } = useLoad<Explanation>(
    (signal) => admin('GET', path, { query: { ...query, clientId, limit: 1 }, signal }),
    [path, topic, clientId, publisher, qos],
  );
  if (problem !== undefined) return <ProblemNotice problem={problem} retry={() => void reload()} />;
  const { retained, rules = [], findings = [], client } = value ?? {};
  return (
    <div class="stack">
      {findings.map(({ code, text }) => (
        <Note key={code}>{text}</Note>
      ))}
      {clientId === '' ? (
        <AllRecipients tenant={tenant} path={path} query={query} />
      ) : (
        client !== undefined && <OneRecipient tenant={tenant} client={client} />
      )}
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

function AllRecipients(props: {
  readonly tenant: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}) {
  const { tenant, path, query } = props;
  const recipients = usePaged<Recipient>(path, 'recipients', query);
  const { problem } = recipients;
  if (problem !== undefined)
    return <ProblemNotice problem={problem} retry={() => void recipients.reload()} />;
  return (
    <>
      <Table
        caption={`Who would get a message on ${query.topic}`}
        columns={columnsOf(tenant)}
        items={recipients.items}
        keyOf={keyOf}
        isLoading={recipients.isLoading}
        empty={
          <Empty title="No client subscribes to this topic">
            A message would reach rules alone, and wait as a retained one if it is published with Retain.
          </Empty>
        }
      />
      <Pager paged={recipients} />
    </>
  );
}

const verdicts = {
  yes: ['good', 'gets the message at once'],
  later: ['warning', 'gets the message later'],
  perhaps: ['plain', 'may get the message'],
  no: ['bad', 'does not get the message'],
} as const;

/** Whether one client would get the message, and each reason why not. */
function OneRecipient(props: {
  readonly tenant: string;
  readonly client: NonNullable<Explanation['client']>;
}) {
  const { tenant, client } = props;
  const [kind, verdict] = verdicts[client.receives];
  return (
    <>
      <section class="card stack" aria-label="Verdict">
        <p>
          <ClientLink tenant={tenant} name={client.clientId} /> <Badge kind={kind}>{verdict}</Badge>
        </p>
        {client.findings.map(({ code, text }) => (
          <p key={code}>{text}</p>
        ))}
        {client.nearest.map(({ filter, level, text }) => (
          <p key={filter}>
            Its filter <span class="mono">{filter}</span> nearly matches: at level {level} {text}.
          </p>
        ))}
      </section>
      {client.subscriptions.length > 0 && (
        <Table
          caption="Its subscriptions that match"
          columns={columnsOf(tenant)}
          items={client.subscriptions}
          keyOf={keyOf}
          empty={null}
        />
      )}
    </>
  );
}

function keyOf({ clientId, filter }: Recipient): string {
  return JSON.stringify([clientId, filter]);
}

function Fired(props: Explanation['rules'][number] & { readonly tenant: string }) {
  const { tenant, name, filter, status, hasPattern } = props;
  return (
    <p>
      <RuleLink tenant={tenant} name={name} /> ({filter}, {status}
      {hasPattern && ', if its pattern matches'})
    </p>
  );
}

function columnsOf(tenant: string): readonly Column<Recipient>[] {
  return [
    {
      title: 'Client id',
      cell: ({ clientId }) => <ClientLink tenant={tenant} name={clientId} />,
    },
    { title: 'Topic filter', cell: ({ filter }) => <span class="mono roomy">{filter}</span> },
    { title: 'QoS', cell: ({ qos }) => String(qos), isNumber: true },
    {
      title: 'Outcome',
      cell: ({ outcome }) => <Badge kind={outcomes[outcome][0]}>{outcomes[outcome][1]}</Badge>,
    },
    { title: 'May publish', cell: ({ mayPublish }) => mayPublishText(mayPublish) },
    {
      title: 'Why',
      cell: ({ findings, queue }) => (
        <span class="small">
          {findings.map(({ text }) => text).join(' ')}
          {findings.length === 0 && queue === undefined && <span class="muted">–</span>}
          {queue !== undefined && ` Queue: ${number(queue.messages)} of ${number(queue.bound)}.`}
        </span>
      ),
    },
  ];
}

function mayPublishText(mayPublish: boolean | undefined) {
  if (mayPublish === undefined) return <span class="muted">offline</span>;
  return mayPublish ? 'yes' : 'no';
}
