import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Form } from './form.tsx';
import { type Draft, emptyDraft, MessageFields, payloadFlaw } from './message-fields.tsx';

/** A message that is typed, and the button for it. */
export function MessageForm(props: {
  /** Name of the form, and text of its button. */
  readonly action: 'Publish' | 'Test';
  /** Default: the section around it has one. */
  readonly title?: string;
  /** Topic that it begins with. */
  readonly topic?: string;
  readonly hasProperties: boolean;
  /** Whether the message may expire. Default: true. */
  readonly hasExpiry?: boolean;
  readonly onSubmit: (draft: Draft) => void;
  /** Further fields. */
  readonly children?: ComponentChildren;
}) {
  const { action, title, topic = '', hasProperties, hasExpiry = true, onSubmit, children } = props;
  const [draft, setDraft] = useState<Draft>({ ...emptyDraft, topic });
  return (
    <Form label={action} layout="card" onSubmit={() => onSubmit(draft)}>
      {title !== undefined && <h2>{title}</h2>}
      <MessageFields draft={draft} onChange={setDraft} hasProperties={hasProperties} hasExpiry={hasExpiry} />
      {children}
      <div>
        <button
          type="submit"
          class="button button-main"
          disabled={draft.topic === '' || payloadFlaw(draft) !== undefined}
        >
          {action}
        </button>
      </div>
    </Form>
  );
}
