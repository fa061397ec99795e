import { useState } from 'preact/hooks';
import { server } from '../api/call.ts';
import { LiveConnection } from '../mqtt/connection.ts';
import { connections, keepConnection } from '../mqtt/connections.ts';
import { createObserver, endObserver } from '../mqtt/observe.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Choice, Switch, TextField } from '../parts/fields.tsx';
import { about } from '../session.ts';

type Source = 'mint' | 'paste' | 'look';

/** Life of minted tokens and of sessions that only look, in seconds. */
const lifeSeconds = 3_600;

/** Asks how to connect, and connects. Tokens are used once and not stored. */
export function OpenConnection(props: {
  readonly tenant: string;
  readonly onOpen: (clientId: string) => void;
  readonly onClose: () => void;
}) {
  const { tenant, onOpen, onClose } = props;
  const canMint = about.value?.mintable.includes(tenant) === true;
  const [source, setSource] = useState<Source>(canMint ? 'mint' : 'paste');
  const [clientId, setClientId] = useState(() => `console-${crypto.randomUUID().slice(0, 8)}`);
  const [token, setToken] = useState('');
  const [filters, setFilters] = useState('#');
  const [version, setVersion] = useState<'5' | '4'>('5');
  const [isClean, setClean] = useState(true);
  const [expirySeconds, setExpirySeconds] = useState('0');
  const isTaken = connections.value.some(({ connection }) => connection.clientId === clientId);
  const looksOnly = source === 'look';
  const wanted = filters.split('\n').flatMap((line) => line.trim() || []);
  const isReady = looksOnly
    ? wanted.length > 0
    : clientId !== '' && !isTaken && (source === 'mint' || token !== '');

  const open = async () => {
    const url = about.value?.mqttUrl;
    if (url === undefined) throw new Error('the console does not know the address of the service');
    const observer = looksOnly ? await createObserver(tenant, wanted, lifeSeconds) : undefined;
    const login = observer ?? {
      clientId,
      username: tenant,
      password: source === 'paste' ? token.trim() : await mint(),
    };
    const connection = new LiveConnection(
      { url, clientId: login.clientId, username: login.username, password: login.password },
      {
        protocolVersion: version === '5' ? 5 : 4,
        clean: looksOnly || isClean,
        ...(version === '5' && !looksOnly
          ? { properties: { sessionExpiryInterval: Number(expirySeconds) } }
          : {}),
      },
      observer && (() => endObserver(tenant, observer)),
    );
    await connection.opened();
    keepConnection(tenant, connection);
    onOpen(connection.clientId);
    if (looksOnly) for (const filter of wanted) await connection.subscribe(filter, { qos: 0 });
  };
  const mint = async () => {
    const body = { tenant, clientId, seconds: lifeSeconds };
    return (await server<{ token: string }>('POST', '/tokens', { body })).token;
  };

  return (
    <Dialog
      title={`Connect to ${tenant}`}
      action="Connect"
      isReady={isReady}
      onClose={onClose}
      onSubmit={open}
    >
      <Choice<Source>
        label="With"
        value={source}
        onChange={setSource}
        options={[
          ...(canMint ? ([['mint', 'a token that this machine mints, for 1 hour']] as const) : []),
          ['paste', 'a token that you paste'],
          ['look', 'a session that only looks, for 1 hour'],
        ]}
      />
      {source === 'paste' && (
        <TextField
          label="Token"
          type="password"
          value={token}
          onChange={setToken}
          isMono
          hint="It is sent to the service alone and is not stored"
        />
      )}
      {looksOnly ? (
        <TextField
          label="Topic filters"
          value={filters}
          onChange={setFilters}
          isMono
          rows={2}
          hint="One on a line; it can subscribe to exactly these"
        />
      ) : (
        <TextField
          label="Client id"
          value={clientId}
          onChange={setClientId}
          isMono
          flaw={isTaken ? 'This page has a connection with this client id' : undefined}
        />
      )}
      <div class="fields">
        <Choice<'5' | '4'>
          label="Protocol"
          value={version}
          onChange={setVersion}
          options={[
            ['5', 'MQTT 5.0'],
            ['4', 'MQTT 3.1.1'],
          ]}
        />
        {!looksOnly && version === '5' && (
          <TextField
            label="Session expiry, in seconds"
            type="number"
            min={0}
            value={expirySeconds}
            onChange={setExpirySeconds}
          />
        )}
        {!looksOnly && (
          <Switch
            label={version === '5' ? 'Clean start' : 'Clean session'}
            isOn={isClean}
            onChange={setClean}
          />
        )}
      </div>
    </Dialog>
  );
}
