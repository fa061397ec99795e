import { useState } from 'preact/hooks';
import type { ClientSummary } from '../api/client-types.ts';
import { usePaged } from '../api/use-paged.ts';
import { number, valueText } from '../format.ts';
import type { PageProps } from '../page-props.ts';
import { Time } from '../parts/facts.tsx';
import { TextField } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { ClientLink } from '../parts/links.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { go, linkTo, route } from '../route.ts';
import { BanList } from './client-bans.tsx';
import { ClientDetails } from './client-details.tsx';
import { OnlineBadge } from './online-badge.tsx';

/** The clients of a tenant, or the one of the address. */
export default function Clients({ tenant }: PageProps) {
  const clientId = route.value.query.get('client');
  return clientId === null ? (
    <ClientList tenant={tenant} />
  ) : (
    <ClientDetails key={clientId} tenant={tenant} clientId={clientId} />
  );
}

function ClientList({ tenant }: PageProps) {
  const [sought, setSought] = useState('');
  const clients = usePaged<ClientSummary>(`/tenants/${encodeURIComponent(tenant)}/clients`, 'clients');
  const items = clients.items?.filter(({ clientId }) => clientId.includes(sought));
  return (
    <Page
      title="Clients"
      about={`Clients of ${tenant} that are connected or have a session. Typing narrows the page; Open goes to exactly this client.`}
      actions={
        <button type="button" class="button" onClick={() => void clients.reload()}>
          Refresh
        </button>
      }
    >
      <Form
        layout="toolbar"
        onSubmit={() => {
          if (sought !== '') go(linkTo('clients', tenant, { client: sought }));
        }}
      >
        <TextField label="Client id" type="search" value={sought} onChange={setSought} isMono />
        <button type="submit" class="button" disabled={sought === ''}>
          Open
        </button>
      </Form>
      {clients.problem !== undefined ? (
        <ProblemNotice problem={clients.problem} retry={() => void clients.reload()} />
      ) : (
        <Table
          caption="Clients"
          columns={columnsOf(tenant)}
          items={items}
          keyOf={({ clientId }) => clientId}
          isLoading={clients.isLoading}
          empty={
            sought === '' ? (
              <Empty title="No client is connected or has a session">
                <a href={linkTo('mqtt', tenant)}>Connect one from this page</a>, or{' '}
                <a href={linkTo('tenants', tenant)}>mint a token</a> for a program of yours.
              </Empty>
            ) : (
              <Empty title="No client id on this page contains this text">
                Open looks for exactly this client.
              </Empty>
            )
          }
        />
      )}
      <Pager paged={clients} />
      <BanList tenant={tenant} />
    </Page>
  );
}

function columnsOf(tenant: string): readonly Column<ClientSummary>[] {
  return [
    {
      title: 'Client id',
      cell: ({ clientId }) => <ClientLink tenant={tenant} name={clientId} />,
    },
    { title: 'State', cell: ({ online }) => <OnlineBadge isOnline={online} /> },
    { title: 'MQTT', cell: ({ protocolVersion }) => protocolVersion },
    {
      title: 'Session',
      cell: ({ sessionExpirySeconds, sessionExpiresAt }) =>
        sessionExpiresAt === undefined ? (
          valueText('sessionExpirySeconds', sessionExpirySeconds)
        ) : (
          <>
            until <Time at={sessionExpiresAt} />
          </>
        ),
    },
    {
      title: 'Connects this hour',
      cell: ({ connectsThisHour }) => number(connectsThisHour),
      isNumber: true,
    },
  ];
}
