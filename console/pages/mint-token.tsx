import { useState } from 'preact/hooks';
import { server } from '../api/call.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Copyable, Time } from '../parts/facts.tsx';
import { Choice, Switch, TextField } from '../parts/fields.tsx';
import { Section } from '../parts/page.tsx';
import { about } from '../session.ts';

interface Minted {
  readonly token: string;
  readonly expiresAt: string;
}

const lifetimes = [
  ['900', '15 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['2592000', '30 days'],
] as const;

/** Mints a token where the tenant's private key is on the operator's machine. It is not stored. */
export function MintToken({ tenant }: { readonly tenant: string }) {
  const [isMinting, setMinting] = useState(false);
  const [minted, setMinted] = useState<Minted | undefined>(undefined);
  const canMint = about.value?.mintable.includes(tenant) === true;
  return (
    <Section
      title="Tokens"
      about={
        canMint
          ? 'A client connects with the name of the tenant as its user name and a token as its password.'
          : 'The private key of this tenant is not on this machine: its identity provider issues its tokens.'
      }
      actions={
        canMint && (
          <button type="button" class="button" onClick={() => setMinting(true)}>
            Mint a token
          </button>
        )
      }
    >
      {minted !== undefined && (
        <div class="card">
          <Copyable text={minted.token} label="the token" />
          <p class="small muted">
            Valid until <Time at={minted.expiresAt} />. Whoever has it can connect: it is not stored, copy it
            now.
          </p>
        </div>
      )}
      {isMinting && <MintDialog tenant={tenant} onMinted={setMinted} onClose={() => setMinting(false)} />}
    </Section>
  );
}

function MintDialog(props: {
  readonly tenant: string;
  readonly onMinted: (minted: Minted) => void;
  readonly onClose: () => void;
}) {
  const { tenant, onMinted, onClose } = props;
  const [clientId, setClientId] = useState('');
  const [publish, setPublish] = useState('');
  const [subscribe, setSubscribe] = useState('');
  const [hasRules, setRules] = useState(false);
  const [seconds, setSeconds] = useState<(typeof lifetimes)[number][0]>('3600');
  return (
    <Dialog
      title={`Mint a token of ${tenant}`}
      action="Mint"
      onClose={onClose}
      onSubmit={async () => {
        const body = {
          tenant,
          ...(clientId === '' ? {} : { clientId }),
          ...filtersOf('publish', publish),
          ...filtersOf('subscribe', subscribe),
          ...(hasRules ? { rules: true } : {}),
          seconds: Number(seconds),
        };
        onMinted(await server<Minted>('POST', '/tokens', { body }));
      }}
    >
      <TextField
        label="Client id"
        value={clientId}
        onChange={setClientId}
        isMono
        hint="The only client that may use it; empty: any"
      />
      <TextField
        label="May publish to"
        value={publish}
        onChange={setPublish}
        isMono
        rows={2}
        hint="Topic filters, one on a line. Both empty: all topics"
      />
      <TextField
        label="May subscribe to"
        value={subscribe}
        onChange={setSubscribe}
        isMono
        rows={2}
        hint="Topic filters, one on a line"
      />
      <Switch label="May have rules of its own, with webhooks" isOn={hasRules} onChange={setRules} />
      <Choice label="Valid for" value={seconds} onChange={setSeconds} options={lifetimes} />
    </Dialog>
  );
}

function filtersOf(name: 'publish' | 'subscribe', text: string): Record<string, string[]> {
  const filters = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  return filters.length === 0 ? {} : { [name]: filters };
}
