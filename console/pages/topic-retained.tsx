import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { RetainedMessage, RetainedSummary } from '../api/topic-types.ts';
import { useLoad } from '../api/use-load.ts';
import { usePaged } from '../api/use-paged.ts';
import { bytes, distinctNames } from '../format.ts';
import { payloadBytes } from '../mqtt/payload.ts';
import { Facts, Time } from '../parts/facts.tsx';
import { TextField } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { Payload } from '../parts/payload.tsx';
import { attempt } from '../parts/toasts.tsx';
import { type TopicNode, topicTree } from '../topic-tree.ts';

/** Topics with a retained message as a tree; the value of one that is opened. */
export function RetainedTopics({ tenant }: { readonly tenant: string }) {
  const [typed, setTyped] = useState('');
  const [prefix, setPrefix] = useState('');
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const path = `/tenants/${encodeURIComponent(tenant)}/retained`;
  const retained = usePaged<RetainedSummary>(path, 'messages', { prefix });
  const { items, problem } = retained;
  return (
    <Section title="Retained messages" about="By the levels of their topics. Open one to see its value.">
      <Form layout="toolbar" onSubmit={() => setPrefix(typed)}>
        <TextField label="Topics that begin with" value={typed} onChange={setTyped} isMono />
        <button type="submit" class="button">
          Show
        </button>
      </Form>
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void retained.reload()} />}
      {items?.length === 0 && (
        <Empty title="No topic holds a retained message">Publish one with Retain below.</Empty>
      )}
      {items !== undefined && items.length > 0 && (
        <div class="two-columns">
          <div class="card tree">
            <Levels node={topicTree(items)} chosen={chosen} onChoose={setChosen} />
          </div>
          {chosen !== undefined && (
            <RetainedValue
              key={chosen}
              path={`${path}/message`}
              topic={chosen}
              onDeleted={() => {
                setChosen(undefined);
                void retained.reload();
              }}
            />
          )}
        </div>
      )}
      <Pager paged={retained} />
    </Section>
  );
}

function Levels(props: {
  readonly node: TopicNode<RetainedSummary>;
  readonly chosen: string | undefined;
  readonly onChoose: (topic: string) => void;
}) {
  const { node, chosen, onChoose } = props;
  return (
    <ul>
      {[...node.children.values()].map((child) => {
        const { level, item, children } = child;
        const name = level === '' ? '(empty level)' : level;
        const own =
          item === undefined ? (
            <span class="mono">{name}</span>
          ) : (
            <>
              <button
                type="button"
                class="link-button mono"
                aria-label={level === '' ? undefined : item.topic}
                aria-pressed={item.topic === chosen}
                onClick={() => onChoose(item.topic)}
              >
                {name}
              </button>{' '}
              <span class="muted small">{bytes(item.payloadBytes)}</span>
            </>
          );
        return (
          <li key={level}>
            {own}
            {children.size > 0 && <Levels node={child} chosen={chosen} onChoose={onChoose} />}
          </li>
        );
      })}
    </ul>
  );
}

function RetainedValue(props: {
  readonly path: string;
  readonly topic: string;
  readonly onDeleted: () => void;
}) {
  const { path, topic, onDeleted } = props;
  const { value, problem, reload } = useLoad<RetainedMessage>(
    (signal) => admin('GET', path, { query: { topic }, signal }),
    [path, topic],
  );
  if (problem !== undefined) return <ProblemNotice problem={problem} retry={() => void reload()} />;
  if (value === undefined) return null;
  const remove = async () => {
    const isDone = await attempt(
      () => admin('DELETE', path, { query: { topic } }),
      `The retained message of ${topic} is deleted.`,
    );
    if (isDone) onDeleted();
  };
  return (
    <section class="card stack" aria-label="Retained message">
      <Facts
        of={[
          [
            'Topic',
            <span key="topic" class="mono">
              {topic}
            </span>,
          ],
          ['QoS', String(value.qos)],
          ['Publisher', value.publisher],
          ['Expires', value.expiresAt && <Time key="expires" at={value.expiresAt} />],
          ['Content type', value.contentType],
          ['Response topic', value.responseTopic],
          ['Correlation data (base64)', value.correlationData],
          ...distinctNames(
            (value.userProperties ?? []).map(([name, text]) => [`User property ${name}`, text] as const),
          ),
        ]}
      />
      <Payload bytes={payloadBytes(value.payload, value.encoding === 'utf8' ? 'text' : 'base64')} />
      <div>
        <button type="button" class="button button-quiet-danger" onClick={() => void remove()}>
          Delete
        </button>
      </div>
    </section>
  );
}
