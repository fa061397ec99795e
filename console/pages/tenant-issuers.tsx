import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Issuer, Tenant } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Choice, TextField } from '../parts/fields.tsx';
import { Empty } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { toastDone } from '../parts/toasts.tsx';

interface Props {
  readonly tenant: Tenant;
  /** `/tenants/acme` */
  readonly path: string;
  readonly onChange: () => Promise<void>;
}

/** Whose tokens the tenant accepts. */
export function TenantIssuers({ tenant, path, onChange }: Props) {
  const [isAdding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Issuer | undefined>(undefined);
  const columns: readonly Column<Issuer>[] = [
    { title: 'Issuer', cell: ({ iss }) => <span class="mono">{iss ?? '(none)'}</span> },
    { title: 'Audience', cell: ({ audience }) => [audience ?? []].flat().join(', ') },
    { title: 'Keys', cell: keysText },
    {
      title: 'Actions',
      hasHiddenTitle: true,
      cell: (issuer) => (
        <div class="row-actions">
          <button
            type="button"
            class="button button-quiet-danger"
            aria-label={`Remove ${issuer.iss ?? issuer.id}`}
            onClick={() => setLeaving(issuer)}
          >
            Remove
          </button>
        </div>
      ),
    },
  ];
  return (
    <Section
      title="Issuers"
      about="Whose tokens are accepted: an identity provider by the URL of its keys, or a key pair."
      actions={
        <button type="button" class="button" onClick={() => setAdding(true)}>
          Add
        </button>
      }
    >
      <Table
        caption="Issuers"
        columns={columns}
        items={tenant.issuers}
        keyOf={({ id }) => id}
        empty={
          <Empty title="No issuer">Without one no client can connect. Add your identity provider.</Empty>
        }
      />
      {isAdding && <AddIssuer path={path} onChange={onChange} onClose={() => setAdding(false)} />}
      {leaving !== undefined && (
        <Dialog
          title="Remove this issuer?"
          action="Remove"
          isDanger
          onClose={() => setLeaving(undefined)}
          onSubmit={async () => {
            await admin('DELETE', `${path}/issuers/${leaving.id}`);
            toastDone('The issuer is removed.');
            await onChange();
          }}
        >
          <p>
            Its tokens are refused from now on. Connections that use one end when the token expires:{' '}
            <code>{leaving.iss ?? leaving.id}</code>
          </p>
        </Dialog>
      )}
    </Section>
  );
}

function keysText({ keys }: Issuer): string {
  if (keys.kind === 'jwks-url') return keys.url ?? 'URL';
  if (keys.kind === 'inline') return `${keys.keys?.length ?? 0} inline`;
  return keys.kind === 'secret-reference' ? 'secret in Secrets Manager' : keys.kind;
}

function AddIssuer({ path, onChange, onClose }: Omit<Props, 'tenant'> & { readonly onClose: () => void }) {
  const [iss, setIss] = useState('');
  const [audience, setAudience] = useState('');
  const [kind, setKind] = useState<'jwks-url' | 'pem'>('jwks-url');
  const [url, setUrl] = useState('');
  const [pem, setPem] = useState('');
  return (
    <Dialog
      title="Add an issuer"
      action="Add"
      isReady={(kind === 'pem' ? pem : url) !== ''}
      onClose={onClose}
      onSubmit={async () => {
        const body = {
          ...(iss === '' ? {} : { iss }),
          ...(audience === '' ? {} : { audience }),
          keys: kind === 'pem' ? { kind, pem } : { kind, url },
        };
        await admin('POST', `${path}/issuers`, { body });
        toastDone('The issuer is added.');
        await onChange();
      }}
    >
      <TextField
        label="Issuer"
        value={iss}
        onChange={setIss}
        isMono
        hint="The claim “iss” of its tokens, such as https://login.example.com/"
      />
      <TextField
        label="Audience"
        value={audience}
        onChange={setAudience}
        isMono
        hint="The claim “aud” of its tokens"
      />
      <Choice
        label="Keys"
        value={kind}
        onChange={setKind}
        options={[
          ['jwks-url', 'URL of a JWK set'],
          ['pem', 'Public key in PEM'],
        ]}
      />
      {kind === 'jwks-url' ? (
        <TextField label="URL" value={url} onChange={setUrl} isMono hint="https, without redirects" />
      ) : (
        <TextField label="Public key" value={pem} onChange={setPem} isMono rows={6} />
      )}
    </Dialog>
  );
}
