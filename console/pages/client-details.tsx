import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Client, ClientSubscription } from '../api/client-types.ts';
import { usePoll } from '../api/use-poll.ts';
import { number, valueText } from '../format.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Facts, Time } from '../parts/facts.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';
import { linkTo } from '../route.ts';
import { about } from '../session.ts';
import { BanDialog } from './client-bans.tsx';
import { ClientTrace } from './client-trace.tsx';
import { OnlineBadge } from './online-badge.tsx';

/** A look at a deployment costs about 8 read units: session, connection, subscriptions, queue. */
const pollSeconds = { local: 5, deployed: 30 };

/** One client: connection, session, queue, subscriptions; what an operator can do to it. */
export function ClientDetails({ tenant, clientId }: { readonly tenant: string; readonly clientId: string }) {
  const path = `/tenants/${encodeURIComponent(tenant)}/client`;
  const [question, setQuestion] = useState<'ban' | 'release' | undefined>(undefined);
  const { value, problem, reload } = usePoll<Client>(
    (signal) => admin('GET', path, { query: { clientId }, signal }),
    [path, clientId],
    about.value?.isLocal === true ? pollSeconds.local : pollSeconds.deployed,
  );
  const close = () => setQuestion(undefined);
  const disconnect = () =>
    attempt(
      () => admin('POST', `${path}/disconnect`, { query: { clientId } }),
      `${clientId} is disconnected; it may connect again.`,
    ).then(reload);
  return (
    <Page
      title={clientId}
      about={<a href={linkTo('clients', tenant)}>All clients of {tenant}</a>}
      actions={
        <>
          <a class="button" href={linkTo('topics', tenant, { client: clientId })}>
            Explain a topic
          </a>
          <button
            type="button"
            class="button"
            disabled={value?.online !== true}
            onClick={() => void disconnect()}
          >
            Disconnect
          </button>
          <button
            type="button"
            class="button"
            disabled={value === undefined}
            onClick={() => setQuestion('release')}
          >
            Release …
          </button>
          <button type="button" class="button button-quiet-danger" onClick={() => setQuestion('ban')}>
            Ban …
          </button>
        </>
      }
    >
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void reload()} />}
      {value !== undefined && problem === undefined && <ClientFacts client={value} />}
      <ClientTrace tenant={tenant} clientId={clientId} />
      {question === 'ban' && (
        <BanDialog tenant={tenant} clientId={clientId} onClose={close} onDone={() => void reload()} />
      )}
      {question === 'release' && (
        <Dialog
          title={`Release ${clientId}?`}
          action="Release"
          isDanger
          onClose={close}
          onSubmit={async () => {
            await admin('POST', `${path}/release`, { query: { clientId } });
            toastDone(`${clientId} is released: its connection and session have ended.`);
            void reload();
          }}
        >
          <p>
            Its connection and its session end: subscriptions and queued messages are lost. Afterwards another
            subject may use this client id.
          </p>
        </Dialog>
      )}
    </Page>
  );
}

function ClientFacts({ client }: { readonly client: Client }) {
  const { connection, subscriptions, sessionExpiresAt } = client;
  return (
    <>
      <div class="card">
        <Facts
          of={[
            ['State', <OnlineBadge key="state" isOnline={client.online} />],
            ['MQTT', client.protocolVersion],
            ['Connected', connection && <Time key="connected" at={connection.connectedAt} />],
            ['Keep-alive', connection && valueText('keepAliveSeconds', connection.keepAliveSeconds)],
            ['Subject', connection?.subject],
            [
              'Token expires',
              connection?.tokenExpiresAt && <Time key="token" at={connection.tokenExpiresAt} />,
            ],
            ['Connection id', connection && <code>{connection.connectionId}</code>],
            ['Session expiry', valueText('sessionExpirySeconds', client.sessionExpirySeconds)],
            ['Session ends', sessionExpiresAt && <Time key="ends" at={sessionExpiresAt} />],
            ['Queued messages', number(client.queuedMessages)],
            ['Connects this hour', number(client.connectsThisHour)],
          ]}
        />
      </div>
      <Section title="Subscriptions">
        <Table
          caption="Subscriptions"
          columns={subscriptionColumns}
          items={subscriptions}
          keyOf={({ filter }) => filter}
          empty={<Empty title="It subscribes to nothing" />}
        />
      </Section>
    </>
  );
}

const subscriptionColumns: readonly Column<ClientSubscription>[] = [
  { title: 'Topic filter', cell: ({ filter }) => <span class="mono">{filter}</span> },
  { title: 'QoS', cell: ({ qos }) => String(qos), isNumber: true },
  { title: 'No Local', cell: ({ noLocal }) => (noLocal ? 'yes' : 'no') },
  { title: 'Retain As Published', cell: ({ retainAsPublished }) => (retainAsPublished ? 'yes' : 'no') },
  {
    title: 'Identifier',
    cell: ({ subscriptionIdentifier }) => subscriptionIdentifier ?? '–',
    isNumber: true,
  },
];
