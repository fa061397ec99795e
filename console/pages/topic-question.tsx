import { useState } from 'preact/hooks';
import { Choice, TextField } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { qosOptions } from '../parts/message-fields.tsx';
import { remember, route } from '../route.ts';

/** What is asked about a message that nobody publishes. */
export interface TopicQuestion {
  readonly topic: string;
  /** The client that should get it; empty: all of them. */
  readonly client: string;
  /** The client that would publish it; empty: another one. */
  readonly publisher: string;
  readonly qos: '0' | '1' | '2';
}

/** The question of the address, so that a link can hold it. */
export function askedQuestion(): TopicQuestion {
  const { query } = route.value;
  const [qos] = qosOptions.find(([value]) => value === query.get('qos')) ?? ['1' as const];
  return {
    topic: query.get('topic') ?? '',
    client: query.get('client') ?? '',
    publisher: query.get('publisher') ?? '',
    qos,
  };
}

/** Asks who would get a message. */
export function TopicQuestionForm() {
  const [typed, setTyped] = useState(askedQuestion);
  const set = (next: Partial<TopicQuestion>) => setTyped({ ...typed, ...next });
  return (
    <Form
      label="Explain"
      layout="toolbar"
      onSubmit={() => remember({ ...typed, qos: typed.qos === '1' ? undefined : typed.qos })}
    >
      <TextField label="Topic name" value={typed.topic} onChange={(topic) => set({ topic })} isMono />
      <TextField
        label="Only for client"
        value={typed.client}
        onChange={(client) => set({ client })}
        isMono
        placeholder="all"
      />
      <TextField
        label="Published by client"
        value={typed.publisher}
        onChange={(publisher) => set({ publisher })}
        isMono
        placeholder="another one"
      />
      <Choice label="QoS" value={typed.qos} onChange={(qos) => set({ qos })} options={qosOptions} />
      <button type="submit" class="button button-main" disabled={typed.topic === ''}>
        Explain
      </button>
    </Form>
  );
}
