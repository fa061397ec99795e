import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Tenant } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Facts, Time } from '../parts/facts.tsx';
import { TextField } from '../parts/fields.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';
import { go, linkTo } from '../route.ts';
import { about } from '../session.ts';
import { keepTenant, refreshTenants } from '../tenant.ts';
import { MintToken } from './mint-token.tsx';
import { StatusBadge } from './status-badge.tsx';
import { TenantIssuers } from './tenant-issuers.tsx';
import { TenantQuotas } from './tenant-quotas.tsx';

/** One tenant: what it is, what it may do, whose tokens it accepts. */
export function TenantDetails({ tenant }: { readonly tenant: string }) {
  const path = `/tenants/${encodeURIComponent(tenant)}`;
  const { value, problem, reload } = useLoad<Tenant>((signal) => admin('GET', path, { signal }), [path]);
  const [isDeleting, setDeleting] = useState(false);
  const change = (verb: 'suspend' | 'resume', done: string) =>
    attempt(() => admin('POST', `${path}/${verb}`), done).then(reload);

  const actions = value !== undefined && value.status !== 'deleting' && (
    <>
      {value.status === 'active' ? (
        <button
          type="button"
          class="button"
          onClick={() =>
            void change('suspend', `Tenant ${tenant} is suspended; its clients are disconnected.`)
          }
        >
          Suspend
        </button>
      ) : (
        <button
          type="button"
          class="button"
          onClick={() => void change('resume', `Tenant ${tenant} accepts clients again.`)}
        >
          Resume
        </button>
      )}
      <button type="button" class="button button-quiet-danger" onClick={() => setDeleting(true)}>
        Delete …
      </button>
    </>
  );
  return (
    <Page title={tenant} about={<a href={linkTo('tenants')}>All tenants</a>} actions={actions}>
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void reload()} />}
      {value !== undefined && (
        <>
          <div class="card">
            <Facts
              of={[
                ['Status', <StatusBadge key="status" status={value.status} />],
                ['Created', <Time key="created" at={value.createdAt} />],
                ['Issuers', String(value.issuers.length)],
                [
                  'Private key',
                  about.value?.mintable.includes(tenant) ? 'on this machine' : 'not on this machine',
                ],
              ]}
            />
          </div>
          <MintToken tenant={tenant} />
          <TenantQuotas tenant={value} path={path} onChange={reload} />
          <TenantIssuers tenant={value} path={path} onChange={reload} />
        </>
      )}
      {isDeleting && <DeleteTenant tenant={tenant} path={path} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

function DeleteTenant(props: {
  readonly tenant: string;
  readonly path: string;
  readonly onClose: () => void;
}) {
  const { tenant, path, onClose } = props;
  const [typed, setTyped] = useState('');
  return (
    <Dialog
      title={`Delete tenant ${tenant}?`}
      action="Delete everything"
      isDanger
      isReady={typed === tenant}
      onClose={onClose}
      onSubmit={async () => {
        await admin('DELETE', path);
        toastDone(`Tenant ${tenant} refuses clients now; its data is being deleted.`);
        keepTenant(undefined);
        await refreshTenants();
        go(linkTo('tenants'));
      }}
    >
      <p>
        Its clients are disconnected, and its sessions, subscriptions, retained messages, rules and usage are
        deleted. This cannot be undone.
      </p>
      <TextField label={`Type “${tenant}” to confirm`} value={typed} onChange={setTyped} isMono />
    </Dialog>
  );
}
