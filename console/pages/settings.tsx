import { valueText, words } from '../format.ts';
import { Copyable, Facts } from '../parts/facts.tsx';
import { Note } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { about } from '../session.ts';

/** What each setting means to a client, and the property of CONNACK that announces it. */
const meanings: Readonly<Record<string, readonly [text: string, announced?: string]>> = {
  maxPacketBytes: ['Largest packet, in both directions', 'Maximum Packet Size'],
  receiveMaximum: ['QoS 1 and 2 messages that a client may have under way', 'Receive Maximum'],
  topicAliasMaximum: ['Topic aliases of a connection', 'Topic Alias Maximum'],
  maxKeepAliveSeconds: ['Longest keep-alive', 'Server Keep Alive'],
  maxSessionExpirySeconds: ['Longest life of a session without a connection', 'Session Expiry Interval'],
  v3SessionExpirySeconds: ['The same for clients of MQTT 3.1.1 with Clean Session 0'],
  connectsPerMinutePerClient: ['How often one client may connect in a minute'],
  maxQueuedMessages: ['Messages that wait for one client'],
  maxSubscriptionsPerClient: ['Subscriptions of one client'],
  maxFiltersPerPacket: ['Topic filters of one SUBSCRIBE or UNSUBSCRIBE'],
  maxClientIdBytes: ['Longest client identifier'],
  maxShapes: ['Shapes of topic filters of one tenant'],
  shapesPerClient: ['Shapes that one client may add'],
  maxRulesPerMessage: ['Rules that one message may fire'],
  authenticationDeadlineSeconds: ['Time for CONNECT after the connection is open'],
};

/** Addresses of the service and its limits. */
export default function Settings() {
  const known = about.value;
  if (known === undefined) return null;
  const { label, isLocal, version, limits, defaultQuotas } = known;
  const addresses = [
    ['MQTT over WebSocket, wire profile', known.mqttUrl],
    ['Publishing over HTTP', known.publishUrl],
    ['Admin API', known.adminUrl],
  ] as const;
  return (
    <Page
      title="Settings"
      about="Where the service is and what it allows. Settings change with a deployment."
    >
      <div class="card">
        <Facts
          of={[
            ['Service', label],
            ['Version of this console', version],
            ['Keys on this machine', known.mintable.length === 0 ? 'none' : known.mintable.join(', ')],
          ]}
        />
      </div>
      <Section title="Addresses">
        <div class="card stack">
          {addresses.map(([name, url]) =>
            url === undefined ? null : (
              <div key={name}>
                <h3>{name}</h3>
                <Copyable text={url} label={`the address of ${name}`} />
              </div>
            ),
          )}
        </div>
      </Section>
      <Section
        title="Limits"
        about="CONNACK announces some to clients of MQTT 5.0. docs/limits.md has all, with what happens beyond each."
      >
        {!isLocal && (
          <Note>
            Limits and default quotas come with a release. These are those of Wisp {version}, which serves
            this console; a stack that another release has deployed has those of that one.
          </Note>
        )}
        <Table
          caption="Limits"
          items={Object.keys(limits)}
          keyOf={(name) => name}
          empty={null}
          columns={[
            { title: 'Limit', cell: (name) => meanings[name]?.[0] ?? words(name) },
            { title: 'Value', isNumber: true, cell: (name) => valueText(name, limits[name]) },
            { title: 'In CONNACK', cell: (name) => meanings[name]?.[1] ?? <span class="muted">–</span> },
          ]}
        />
      </Section>
      <Section title="Default quotas" about="They hold for every tenant that has no quota of its own.">
        <Table
          caption="Default quotas"
          items={Object.keys(defaultQuotas)}
          keyOf={(name) => name}
          empty={null}
          columns={[
            { title: 'Quota', cell: (name) => words(name) },
            { title: 'Bound', isNumber: true, cell: (name) => valueText(name, defaultQuotas[name]) },
          ]}
        />
      </Section>
    </Page>
  );
}
