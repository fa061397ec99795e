import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Ban } from '../api/client-types.ts';
import { usePaged } from '../api/use-paged.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Time } from '../parts/facts.tsx';
import { Choice, TextField } from '../parts/fields.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';

/** Clients that may not connect at present, with a way to end each ban. Nothing without bans. */
export function BanList({ tenant }: { readonly tenant: string }) {
  const path = `/tenants/${encodeURIComponent(tenant)}`;
  const bans = usePaged<Ban>(`${path}/bans`, 'bans');
  if (bans.problem !== undefined)
    return <ProblemNotice problem={bans.problem} retry={() => void bans.reload()} />;
  if (bans.items === undefined || (bans.items.length === 0 && bans.pageNumber === 1)) return null;
  const end = (clientId: string) =>
    attempt(
      () => admin('DELETE', `${path}/client/ban`, { query: { clientId } }),
      `${clientId} may connect again.`,
    ).then(bans.reload);
  return (
    <Section title="Banned" about="Their CONNECT is refused with 0x8A until the ban ends.">
      <Table
        caption="Banned clients"
        items={bans.items}
        keyOf={({ clientId }) => clientId}
        isLoading={bans.isLoading}
        empty={null}
        columns={[
          { title: 'Client id', cell: ({ clientId }) => <span class="mono">{clientId}</span> },
          { title: 'Until', cell: ({ until }) => <Time at={until} /> },
          { title: 'By', cell: ({ by }) => by },
          { title: 'Reason', cell: ({ reason }) => reason ?? <span class="muted">none</span> },
          {
            title: 'Actions',
            hasHiddenTitle: true,
            cell: ({ clientId }) => (
              <div class="row-actions">
                <button
                  type="button"
                  class="button"
                  aria-label={`End ban of ${clientId}`}
                  onClick={() => void end(clientId)}
                >
                  End ban
                </button>
              </div>
            ),
          },
        ]}
      />
      <Pager paged={bans} />
    </Section>
  );
}

const durations = [
  ['600', '10 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['604800', '7 days'],
  ['2592000', '30 days'],
] as const;

export function BanDialog(props: {
  readonly tenant: string;
  readonly clientId: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { tenant, clientId, onClose, onDone } = props;
  const [seconds, setSeconds] = useState<(typeof durations)[number][0]>('3600');
  const [reason, setReason] = useState('');
  return (
    <Dialog
      title={`Ban ${clientId}?`}
      action="Ban"
      isDanger
      onClose={onClose}
      onSubmit={async () => {
        await admin('PUT', `/tenants/${encodeURIComponent(tenant)}/client/ban`, {
          query: { clientId },
          body: { seconds: Number(seconds), ...(reason === '' ? {} : { reason }) },
        });
        toastDone(`${clientId} is banned.`);
        onDone();
      }}
    >
      <p>Its connection ends, and its CONNECT is refused with 0x8A (Banned). Its session is kept.</p>
      <Choice label="For" value={seconds} onChange={setSeconds} options={durations} />
      <TextField
        label="Reason"
        value={reason}
        onChange={setReason}
        hint="The client is told it; may be empty"
      />
    </Dialog>
  );
}
