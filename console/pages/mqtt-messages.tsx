import { useEffect, useState } from 'preact/hooks';
import { bytes, clock, compact, distinctNames, number } from '../format.ts';
import type { LiveConnection, LiveMessage } from '../mqtt/connection.ts';
import { base64, payloadText } from '../mqtt/payload.ts';
import { Facts } from '../parts/facts.tsx';
import { LiveControls } from '../parts/live-controls.tsx';
import { Empty } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { Payload } from '../parts/payload.tsx';
import { Table } from '../parts/table.tsx';

/** Rows that are shown; the list keeps more, for the export. */
const maxRows = 200;
const previewCharacters = 120;

/** What a connection receives, live, the newest first. */
export function MqttMessages({ connection }: { readonly connection: LiveConnection }) {
  const { live, rate } = connection;
  const [chosen, setChosen] = useState<LiveMessage | undefined>(undefined);
  const [perSecond, setPerSecond] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setPerSecond(rate.perSecond(Date.now())), 1_000);
    return () => clearInterval(timer);
  }, [rate]);
  const rows = live.items.value.slice(-maxRows).reverse();
  return (
    <Section title="Messages" about={`${number(live.total.value)} received, ${compact(perSecond)} a second.`}>
      <div class="toolbar">
        <LiveControls live={live} file={`messages-${connection.clientId}.json`} toJson={exported} />
      </div>
      {chosen !== undefined && <MessageDetails message={chosen} onClose={() => setChosen(undefined)} />}
      <Table
        caption="Messages"
        items={rows}
        keyOf={(message) => String(message.number)}
        empty={<Empty title="No message yet">Subscribe to a topic filter, then publish.</Empty>}
        columns={[
          {
            title: 'Topic',
            cell: (message) => (
              <button type="button" class="link-button mono" onClick={() => setChosen(message)}>
                {message.topic}
              </button>
            ),
          },
          { title: 'Payload', cell: ({ payload }) => <span class="mono small">{preview(payload)}</span> },
          { title: 'QoS', cell: ({ qos, retain }) => `${qos}${retain ? ' R' : ''}` },
          { title: 'Size', cell: ({ payload }) => bytes(payload.length), isNumber: true },
          { title: 'Time', cell: ({ atMs }) => <span class="nowrap">{clock(atMs)}</span> },
        ]}
      />
    </Section>
  );
}

function MessageDetails({
  message,
  onClose,
}: {
  readonly message: LiveMessage;
  readonly onClose: () => void;
}) {
  return (
    <section class="card stack message-details" aria-label="Message">
      <Facts
        of={[
          [
            'Topic',
            <span key="topic" class="mono">
              {message.topic}
            </span>,
          ],
          ['Received', clock(message.atMs)],
          ['QoS', String(message.qos)],
          ['Retain', message.retain ? 'yes' : 'no'],
          ['Sent again (DUP)', message.dup ? 'yes' : 'no'],
          ['Payload', bytes(message.payload.length)],
          ...distinctNames(message.properties),
        ]}
      />
      <Payload key={message.number} bytes={message.payload} />
      <div>
        <button type="button" class="button" onClick={onClose}>
          Close message
        </button>
      </div>
    </section>
  );
}

function preview(payload: Uint8Array): string {
  // Enough bytes for the characters, whatever they are.
  const text = payloadText(payload.subarray(0, previewCharacters * 4), 'text').replace(/\s+/g, ' ');
  return text.length > previewCharacters ? `${text.slice(0, previewCharacters)} …` : text;
}

function exported({ atMs, payload, number: _number, ...message }: LiveMessage): object {
  return { at: new Date(atMs).toISOString(), ...message, payloadBase64: base64(payload) };
}
