import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Tenant } from '../api/types.ts';
import { valueText, words } from '../format.ts';
import { Dialog } from '../parts/dialog.tsx';
import { TextField } from '../parts/fields.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { toastDone } from '../parts/toasts.tsx';
import { about } from '../session.ts';

interface Props {
  readonly tenant: Tenant;
  /** `/tenants/acme` */
  readonly path: string;
  readonly onChange: () => Promise<void>;
}

/** The quotas of a tenant: its own and the defaults. */
export function TenantQuotas({ tenant, path, onChange }: Props) {
  const [isEditing, setEditing] = useState(false);
  const rows = (about.value?.quotas ?? []).filter(
    (name) => name in tenant.quotas || defaultOf(name) !== undefined,
  );
  return (
    <Section
      title="Quotas"
      about="What the tenant may use. A quota that is not set is the default of the service."
      actions={
        tenant.status === 'deleting' ? undefined : (
          <button type="button" class="button" onClick={() => setEditing(true)}>
            Change
          </button>
        )
      }
    >
      <Table
        caption="Quotas"
        items={rows}
        keyOf={(name) => name}
        empty={null}
        columns={[
          { title: 'Quota', cell: (name) => words(name) },
          {
            title: 'Bound',
            isNumber: true,
            cell: (name) => valueText(name, tenant.quotas[name] ?? defaultOf(name)),
          },
          {
            title: 'From',
            cell: (name) => (name in tenant.quotas ? 'this tenant' : <span class="muted">default</span>),
          },
        ]}
      />
      {isEditing && (
        <EditQuotas tenant={tenant} path={path} onChange={onChange} onClose={() => setEditing(false)} />
      )}
    </Section>
  );
}

function EditQuotas({ tenant, path, onChange, onClose }: Props & { readonly onClose: () => void }) {
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(
    Object.fromEntries(Object.entries(tenant.quotas).map(([name, value]) => [name, String(value)])),
  );
  return (
    <Dialog
      title={`Quotas of ${tenant.name}`}
      action="Save"
      onClose={onClose}
      onSubmit={async () => {
        const given = Object.entries(texts).filter(([, text]) => text.trim() !== '');
        const body = Object.fromEntries(given.map(([name, text]) => [name, Number(text)]));
        await admin('PUT', `${path}/quotas`, { body });
        toastDone(`The quotas of ${tenant.name} are changed.`);
        await onChange();
      }}
    >
      <p class="muted">Leave a field empty for the default.</p>
      <div class="fields">
        {about.value?.quotas.map((name) => (
          <TextField
            key={name}
            label={words(name)}
            type="number"
            min={0}
            value={texts[name] ?? ''}
            onChange={(text) => setTexts({ ...texts, [name]: text })}
            hint={hintOf(name)}
          />
        ))}
      </div>
    </Dialog>
  );
}

/** Limits of the service that hold where a tenant has no quota. */
const limitOf: Readonly<Record<string, string>> = {
  subscriptionsPerClient: 'maxSubscriptionsPerClient',
  shapes: 'maxShapes',
  shapesPerClient: 'shapesPerClient',
  packetBytes: 'maxPacketBytes',
  queuedMessages: 'maxQueuedMessages',
  sessionExpirySeconds: 'maxSessionExpirySeconds',
};

/** What holds for a tenant that does not set the quota; undefined: nothing. */
function defaultOf(name: string): number | undefined {
  const { defaultQuotas = {}, limits = {} } = about.value ?? {};
  return defaultQuotas[name] ?? limits[limitOf[name] ?? ''];
}

function hintOf(name: string): string {
  const value = defaultOf(name);
  const unit = /bytes/i.test(name) ? 'bytes; ' : /Seconds$/.test(name) ? 'seconds; ' : '';
  return `${unit}default: ${value === undefined ? 'no bound' : valueText(name, value)}`;
}
