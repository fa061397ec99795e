import { useState } from 'preact/hooks';
import { ApiProblem, admin } from '../api/call.ts';
import type { Rehearsal } from '../api/rule-types.ts';
import { asProblem } from '../api/use-load.ts';
import { payloadBytes } from '../mqtt/payload.ts';
import { Badge, Facts } from '../parts/facts.tsx';
import { TextField } from '../parts/fields.tsx';
import { type Draft, messageOf } from '../parts/message-fields.tsx';
import { MessageForm } from '../parts/message-form.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Payload } from '../parts/payload.tsx';

/**
 * Asks what a rule would do with a message that is typed here.
 *
 * @param props.path of the test in the admin API
 * @param props.topic filter of the rule: without wildcards it is a topic
 * @param props.rule one that need not be stored
 */
export function RuleTest(props: {
  readonly path: string;
  readonly topic: string;
  readonly rule?: () => object;
}) {
  const { path, rule } = props;
  const [clientId, setClientId] = useState('');
  const [answer, setAnswer] = useState<Rehearsal | ApiProblem | undefined>(undefined);
  const ask = async (draft: Draft) => {
    const message = { ...messageOf(draft), ...(clientId === '' ? {} : { clientId }) };
    const body = rule === undefined ? message : { rule: rule(), message };
    setAnswer(await admin<Rehearsal>('POST', path, { body }).catch(asProblem));
  };
  return (
    <div class="two-columns">
      <MessageForm
        action="Test"
        topic={/[+#]/.test(props.topic) ? '' : props.topic}
        hasProperties
        hasExpiry={false}
        onSubmit={(draft) => void ask(draft)}
      >
        <TextField label="Published by client" value={clientId} onChange={setClientId} isMono />
      </MessageForm>
      <div aria-live="polite">{answer !== undefined && <Outcome answer={answer} />}</div>
    </div>
  );
}

function Outcome({ answer }: { readonly answer: Rehearsal | ApiProblem }) {
  if (answer instanceof ApiProblem) return <ProblemNotice problem={answer} />;
  if (!answer.selected)
    return (
      <div class="card stack">
        <div>
          <Badge kind="warning">not selected</Badge>
        </div>
        <p>Nothing would be sent: {answer.because}.</p>
      </div>
    );
  if (answer.failure !== undefined)
    return <ProblemNotice problem={new ApiProblem(200, answer.failure.code, answer.failure.message)} />;
  const { would, headers, body, encoding } = answer;
  return (
    <section class="card stack" aria-label="What would be sent">
      <div>
        <Badge kind="good">selected</Badge>
      </div>
      <p class="wrapped">It would {would}</p>
      <Facts of={Object.entries(headers).map(([name, value]) => [name, <code key={name}>{value}</code>])} />
      <Payload bytes={payloadBytes(body, encoding === 'utf8' ? 'text' : 'base64')} />
    </section>
  );
}
