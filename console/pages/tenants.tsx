import { useState } from 'preact/hooks';
import { server } from '../api/call.ts';
import type { TenantSummary } from '../api/types.ts';
import { usePaged } from '../api/use-paged.ts';
import type { PageProps } from '../page-props.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Time } from '../parts/facts.tsx';
import { TextField } from '../parts/fields.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { toastDone } from '../parts/toasts.tsx';
import { go, linkTo } from '../route.ts';
import { about, refreshAbout } from '../session.ts';
import { refreshTenants } from '../tenant.ts';
import { StatusBadge } from './status-badge.tsx';
import { TenantDetails } from './tenant-details.tsx';

/** All tenants, or the one of the address. */
export default function Tenants({ tenant }: PageProps) {
  return tenant === '' ? <TenantList /> : <TenantDetails tenant={tenant} />;
}

function TenantList() {
  const [isCreating, setCreating] = useState(false);
  const tenants = usePaged<TenantSummary>('/tenants', 'tenants');
  const create = (
    <button type="button" class="button button-main" onClick={() => setCreating(true)}>
      Create a tenant
    </button>
  );
  return (
    <Page
      title="Tenants"
      about="Each tenant has its own topics, clients and tokens; none can reach those of another."
      actions={create}
    >
      {tenants.problem !== undefined ? (
        <ProblemNotice problem={tenants.problem} retry={() => void tenants.reload()} />
      ) : (
        <Table
          caption="Tenants"
          columns={columns}
          items={tenants.items}
          keyOf={({ name }) => name}
          isLoading={tenants.isLoading}
          empty={
            <Empty title="There are no tenants yet">
              Create one, then mint a token for its first client.
            </Empty>
          }
        />
      )}
      <Pager paged={tenants} />
      {isCreating && <CreateTenant onClose={() => setCreating(false)} />}
    </Page>
  );
}

const columns: readonly Column<TenantSummary>[] = [
  { title: 'Name', cell: ({ name }) => <a href={linkTo('tenants', name)}>{name}</a> },
  { title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { title: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    title: 'Key on this machine',
    cell: ({ name }) => (about.value?.mintable.includes(name) ? 'yes' : <span class="muted">no</span>),
  },
];

const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function CreateTenant({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const isValid = namePattern.test(name);
  return (
    <Dialog
      title="Create a tenant"
      action="Create"
      isReady={isValid}
      onClose={onClose}
      onSubmit={async () => {
        await server('POST', '/tenants', { body: { name } });
        toastDone(`Tenant ${name} is created; its private key is on this machine.`);
        await Promise.all([refreshAbout(), refreshTenants()]);
        go(linkTo('tenants', name));
      }}
    >
      <p>
        The tenant gets a key pair. Its private key stays on the machine that serves this console, which can
        then mint tokens.
      </p>
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        isRequired
        isMono
        hint="1 to 63 characters of a–z, 0–9 and “-”"
        flaw={
          name === '' || isValid ? undefined : '1 to 63 characters of a–z, 0–9 and “-”, no “-” at either end'
        }
      />
    </Dialog>
  );
}
