import { useState } from 'preact/hooks';
import { ApiProblem, admin } from '../api/call.ts';
import type { PageProps } from '../page-props.ts';
import { type Draft, messageOf } from '../parts/message-fields.tsx';
import { MessageForm } from '../parts/message-form.tsx';
import { Page, Section } from '../parts/page.tsx';
import { attempt } from '../parts/toasts.tsx';
import { askedQuestion, TopicQuestionForm } from './topic-question.tsx';
import { TopicRecipients } from './topic-recipients.tsx';
import { RetainedTopics } from './topic-retained.tsx';

/** Topics of a tenant: who would get a message, what is retained, publishing as the operator. */
export default function Topics({ tenant }: PageProps) {
  const question = askedQuestion();
  const [publishes, setPublishes] = useState(0);
  return (
    <Page title="Topics" about={`Who would get a message of ${tenant}, and what is retained.`}>
      <Section title="Who would get it">
        <TopicQuestionForm />
        {question.topic !== '' && <TopicRecipients tenant={tenant} question={question} />}
      </Section>
      <RetainedTopics key={`${tenant} ${publishes}`} tenant={tenant} />
      <PublishAsOperator tenant={tenant} onPublished={() => setPublishes(publishes + 1)} />
    </Page>
  );
}

interface PublishResult {
  /** Present where the message was refused. */
  readonly code?: string;
  readonly detail?: string;
}

function PublishAsOperator({
  tenant,
  onPublished,
}: {
  readonly tenant: string;
  readonly onPublished: () => void;
}) {
  const publish = async (draft: Draft) => {
    const isDone = await attempt(() => publishDraft(tenant, draft), `Published to ${draft.topic}.`);
    if (isDone && draft.retain) onPublished();
  };
  return (
    <Section
      title="Publish"
      about="As the operator: to every topic that does not begin with “$”, within the tenant's quotas."
    >
      <MessageForm action="Publish" hasProperties onSubmit={(draft) => void publish(draft)} />
    </Section>
  );
}

async function publishDraft(tenant: string, draft: Draft): Promise<void> {
  const path = `/tenants/${encodeURIComponent(tenant)}/publish`;
  const body = { messages: [messageOf(draft)] };
  const { results } = await admin<{ results: readonly PublishResult[] }>('POST', path, { body });
  const [result] = results;
  if (result?.code !== undefined) throw new ApiProblem(200, result.code, result.detail ?? result.code);
}
