import { useState } from 'preact/hooks';
import type { LiveConnection } from '../mqtt/connection.ts';
import { removeConnection } from '../mqtt/connections.ts';
import { payloadBytes } from '../mqtt/payload.ts';
import { namedLines } from '../named-lines.ts';
import { Badge } from '../parts/facts.tsx';
import { Choice, Switch, TextField } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { type Draft, qosOptions } from '../parts/message-fields.tsx';
import { MessageForm } from '../parts/message-form.tsx';
import { attempt } from '../parts/toasts.tsx';
import { MqttMessages } from './mqtt-messages.tsx';

const stateKinds = { connecting: 'plain', connected: 'good', closed: 'bad' } as const;

/** One connection: its state, subscriptions, what it publishes, what it receives. */
export function MqttConnection({ connection }: { readonly connection: LiveConnection }) {
  const state = connection.state.value;
  const reason = connection.reason.value;
  return (
    <>
      <div class="card connection-head">
        <span class="mono">{connection.clientId}</span>
        <Badge kind={stateKinds[state]}>{state}</Badge>
        <span class="muted small">MQTT {connection.protocol}</span>
        {connection.isObserver && <span class="muted small">only looks</span>}
        {state === 'closed' && <span class="small">{reason ?? 'The connection was closed.'}</span>}
        <button type="button" class="button" onClick={() => removeConnection(connection)}>
          {state === 'closed' ? 'Remove' : 'Disconnect'}
        </button>
      </div>
      {state === 'connected' && !connection.isObserver ? (
        <div class="connection-view">
          <div class="two-columns">
            <Subscribe connection={connection} />
            <Publish connection={connection} />
          </div>
          <MqttMessages connection={connection} />
        </div>
      ) : (
        <MqttMessages connection={connection} />
      )}
    </>
  );
}

function Subscribe({ connection }: { readonly connection: LiveConnection }) {
  const [filter, setFilter] = useState('');
  const [qos, setQos] = useState<'0' | '1' | '2'>('0');
  const [nl, setNoLocal] = useState(false);
  const [rap, setRetainAsPublished] = useState(false);
  const isV5 = connection.protocol === '5.0';
  const subscribe = () =>
    attempt(() =>
      connection.subscribe(filter, { qos: Number(qos) as 0 | 1 | 2, ...(isV5 ? { nl, rap } : {}) }),
    );
  return (
    <Form label="Subscribe" layout="card" onSubmit={() => void subscribe()}>
      <h2>Subscribe</h2>
      <TextField label="Topic filter" value={filter} onChange={setFilter} isMono isRequired />
      <Choice label="QoS" value={qos} onChange={setQos} options={qosOptions} />
      {isV5 && (
        <div>
          <Switch label="No Local" isOn={nl} onChange={setNoLocal} />{' '}
          <Switch label="Retain As Published" isOn={rap} onChange={setRetainAsPublished} />
        </div>
      )}
      <div>
        <button type="submit" class="button button-main" disabled={filter === ''}>
          Subscribe
        </button>
      </div>
      <ul class="chips" aria-label="Subscriptions">
        {connection.subscriptions.value.map((one) => (
          <li key={one.filter}>
            <span class="mono">{one.filter}</span> <span class="muted small">QoS {one.qos}</span>
            <button
              type="button"
              class="icon-button"
              aria-label={`Unsubscribe from ${one.filter}`}
              onClick={() => void attempt(() => connection.unsubscribe(one.filter))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </Form>
  );
}

function Publish({ connection }: { readonly connection: LiveConnection }) {
  const hasProperties = connection.protocol === '5.0';
  const publish = (draft: Draft) =>
    attempt(
      () =>
        connection.publish(draft.topic, payloadBytes(draft.payload, draft.form), {
          qos: Number(draft.qos) as 0 | 1 | 2,
          retain: draft.retain,
          ...(hasProperties ? { properties: propertiesOf(draft) } : {}),
        }),
      `Published to ${draft.topic}.`,
    );
  return (
    <MessageForm
      action="Publish"
      title="Publish"
      hasProperties={hasProperties}
      onSubmit={(draft) => void publish(draft)}
    />
  );
}

function propertiesOf(draft: Draft) {
  const { contentType, responseTopic, correlationData, expirySeconds } = draft;
  const userProperties: Record<string, string[]> = {};
  for (const [name, value] of namedLines(draft.userProperties))
    userProperties[name] = [...(userProperties[name] ?? []), value];
  return {
    ...(contentType === '' ? {} : { contentType }),
    ...(responseTopic === '' ? {} : { responseTopic }),
    ...(correlationData === '' ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(expirySeconds === '' ? {} : { messageExpiryInterval: Number(expirySeconds) }),
    ...(Object.keys(userProperties).length === 0 ? {} : { userProperties }),
  };
}
