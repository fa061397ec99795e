import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { Rule } from '../api/rule-types.ts';
import { usePoll } from '../api/use-poll.ts';
import { Dialog } from '../parts/dialog.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';
import { go, linkTo, route } from '../route.ts';
import { draftOf } from '../rules/draft.ts';
import { about } from '../session.ts';
import { countText, RuleFacts, RuleState } from './rule-facts.tsx';
import { RuleFailures } from './rule-failures.tsx';
import { RuleForm } from './rule-form.tsx';
import { RuleSecretDialog } from './rule-secret.tsx';
import { RuleTest } from './rule-test.tsx';

/** A look at a deployment reads all messages that it counts, and the secret: only when asked. */
const localPollSeconds = 5;

/** One rule: what it selects, where it sends, how it does; what an operator can do about it. */
export function RuleDetails({ tenant, name }: { readonly tenant: string; readonly name: string }) {
  const path = `/tenants/${encodeURIComponent(tenant)}/rules/${encodeURIComponent(name)}`;
  const isChanging = route.value.query.has('change');
  const [question, setQuestion] = useState<'remove' | 'secret' | undefined>(undefined);
  const { value, problem, reload } = usePoll<Rule>(
    (signal) => admin('GET', path, { signal }),
    [path],
    about.value?.isLocal === true && !isChanging ? localPollSeconds : 0,
  );
  if (value !== undefined && isChanging)
    return (
      <RuleForm tenant={tenant} initial={draftOf(value)} existing={value} onStored={() => void reload()} />
    );
  const close = () => setQuestion(undefined);
  const change = (verb: 'pause' | 'resume', done: string) =>
    attempt(() => admin('POST', `${path}/${verb}`), done).then(reload);
  return (
    <Page
      title={name}
      about={<a href={linkTo('rules', tenant)}>All rules of {tenant}</a>}
      actions={
        value !== undefined && (
          <>
            <button type="button" class="button" onClick={() => void reload()}>
              Refresh
            </button>
            {value.status === 'active' ? (
              <button
                type="button"
                class="button"
                onClick={() => void change('pause', `${name} is paused; its messages wait.`)}
              >
                Pause
              </button>
            ) : (
              <button
                type="button"
                class="button"
                onClick={() => void change('resume', `${name} sends its messages again.`)}
              >
                Resume
              </button>
            )}
            <a class="button" href={linkTo('rules', tenant, { rule: name, change: 'yes' })}>
              Change
            </a>
            {value.secret !== undefined && (
              <button type="button" class="button" onClick={() => setQuestion('secret')}>
                Secret …
              </button>
            )}
            <button type="button" class="button button-quiet-danger" onClick={() => setQuestion('remove')}>
              Remove …
            </button>
          </>
        )
      }
    >
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void reload()} />}
      {value !== undefined && (
        <>
          <RuleState rule={value} />
          <RuleFacts rule={value} />
          <Section title="Test" about="Says what the rule would do with a message. Nothing is sent.">
            <RuleTest path={`${path}/test`} topic={value.filter} />
          </Section>
          <RuleFailures path={path} count={value.failures.count} onSent={() => void reload()} />
        </>
      )}
      {question === 'secret' && value !== undefined && (
        <RuleSecretDialog
          tenant={tenant}
          rule={value}
          path={path}
          onClose={close}
          onDone={() => void reload()}
        />
      )}
      {question === 'remove' && value !== undefined && (
        <Dialog
          title={`Remove ${name}?`}
          action="Remove"
          isDanger
          onClose={close}
          onSubmit={async () => {
            await admin('DELETE', path);
            toastDone(`Rule ${name} is removed.`);
            go(linkTo('rules', tenant));
          }}
        >
          <p>
            Its secret is deleted with it, its waiting messages ({countText(value.waiting)}) and its failures
            ({countText(value.failures)}). Pause it instead if its messages should wait.
          </p>
        </Dialog>
      )}
    </Page>
  );
}
