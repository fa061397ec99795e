import { useState } from 'preact/hooks';
import { connections } from '../mqtt/connections.ts';
import type { PageProps } from '../page-props.ts';
import { Empty } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { MqttConnection } from './mqtt-connection.tsx';
import { OpenConnection } from './mqtt-open.tsx';

/** MQTT clients in the page: several connections, each with subscriptions, messages, publishing. */
export default function Mqtt({ tenant }: PageProps) {
  const [isOpening, setOpening] = useState(false);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const own = connections.value.flatMap((one) => (one.tenant === tenant ? [one.connection] : []));
  const current = own.find(({ clientId }) => clientId === chosen) ?? own.at(-1);
  return (
    <Page
      title="MQTT client"
      about={`Connections to ${tenant} from this page. Each counts and costs as any other client does.`}
      actions={
        <button type="button" class="button button-main" onClick={() => setOpening(true)}>
          Connect
        </button>
      }
    >
      {own.length > 1 && (
        <fieldset class="segments connections">
          <legend class="hidden">Connection</legend>
          {own.map(({ clientId }) => (
            <label key={clientId}>
              <input
                type="radio"
                name="connection"
                checked={clientId === current?.clientId}
                onChange={() => setChosen(clientId)}
              />
              <span class="mono">{clientId}</span>
            </label>
          ))}
        </fieldset>
      )}
      {current === undefined ? (
        <Empty title="There is no connection">
          Connect with a token, or only look at messages: then no token is needed.
        </Empty>
      ) : (
        <MqttConnection key={current.clientId} connection={current} />
      )}
      {isOpening && <OpenConnection tenant={tenant} onOpen={setChosen} onClose={() => setOpening(false)} />}
    </Page>
  );
}
