import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiProblem, admin } from '../api/call.ts';
import type { Rule, RuleTarget } from '../api/rule-types.ts';
import { asProblem } from '../api/use-load.ts';
import { Switch, TextField } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';
import { go, linkTo } from '../route.ts';
import { isComplete, type RuleDraft, ruleOf } from '../rules/draft.ts';
import { flawAt } from '../rules/flaw.ts';
import { secretKindOf, targetOf } from '../rules/target-fields.ts';
import { Selection, Target } from './rule-fields.tsx';
import { type GivenSecret, isGiven, noSecret, SecretFields, storeSecret } from './rule-secret.tsx';
import { RuleTest } from './rule-test.tsx';

interface Props {
  readonly tenant: string;
  readonly initial: RuleDraft;
  /** The rule that is changed. */
  readonly existing?: Rule;
  readonly onStored?: () => void;
}

/** A form for a new rule or a changed one, with a test before it is stored. */
export function RuleForm({ tenant, onStored, ...props }: Props) {
  // As it was when the form appeared: what others store meanwhile is not overwritten.
  const [{ initial, existing }] = useState(props);
  const [draft, setDraft] = useState(initial);
  const [secret, setSecret] = useState<GivenSecret>(noSecret);
  const [isPaused, setPaused] = useState(false);
  const [refusal, setRefusal] = useState<ApiProblem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (refusal !== undefined) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [refusal]);

  const secretKind =
    existing === undefined ? secretKindOf(targetOf(draft.kind, draft.target) as RuleTarget) : undefined;
  const change = (next: Partial<RuleDraft>) => {
    setRefusal(undefined);
    setDraft({ ...draft, ...next });
  };
  const page = linkTo('rules', tenant, { rule: draft.name });

  const store = async () => {
    const path = `/tenants/${encodeURIComponent(tenant)}/rules/${encodeURIComponent(draft.name)}`;
    setBusy(true);
    try {
      // A receiver shall not see a request without a signature.
      const isLater = secretKind !== undefined || isPaused;
      await admin('PUT', path, {
        query: { revision: existing?.revision ?? 0 },
        body: { ...ruleOf(draft), ...(existing === undefined && isLater ? { status: 'paused' } : {}) },
      });
    } catch (error) {
      setRefusal(asProblem(error));
      setBusy(false);
      return;
    }
    toastDone(`Rule ${draft.name} is ${existing === undefined ? 'added' : 'changed'}.`);
    if (secretKind !== undefined)
      await attempt(async () => {
        toastDone(await storeSecret(tenant, draft.name, secretKind, secret, false));
        if (!isPaused) await admin('POST', `${path}/resume`);
      });
    onStored?.();
    go(page);
  };

  return (
    <Page
      title={existing === undefined ? 'Add a rule' : `Change ${existing.name}`}
      about={
        existing === undefined ? (
          <a href={linkTo('rules', tenant)}>All rules of {tenant}</a>
        ) : (
          <a href={page}>Back to {existing.name}</a>
        )
      }
    >
      <Form elementRef={form} label="Rule" layout="card" onSubmit={() => void store()}>
        {existing === undefined && (
          <TextField
            label="Name"
            value={draft.name}
            onChange={(name) => change({ name })}
            isMono
            isRequired
            hint="1 to 63 characters of a–z, 0–9 and “-”"
            flaw={flawAt(refusal, 'name')}
          />
        )}
        <Selection draft={draft} refusal={refusal} onChange={change} />
        <h2>Send to</h2>
        <Target draft={draft} refusal={refusal} onChange={change} />
        {secretKind !== undefined && (
          <div class="fields">
            <SecretFields kind={secretKind} secret={secret} onChange={setSecret} />
          </div>
        )}
        <div class="fields">
          <TextField
            label="Give a message up after, in hours"
            type="number"
            min={1}
            max={96}
            value={draft.retryHours}
            onChange={(retryHours) => change({ retryHours })}
            flaw={flawAt(refusal, 'retryHours')}
          />
          {existing === undefined && (
            <Switch label="Paused at first: its messages wait" isOn={isPaused} onChange={setPaused} />
          )}
        </div>
        {refusal !== undefined && <ProblemNotice problem={refusal} />}
        <div class="actions">
          <button
            type="submit"
            class="button button-main"
            disabled={
              !isComplete(draft) || (secretKind !== undefined && !isGiven(secret, secretKind)) || isBusy
            }
          >
            {existing === undefined ? 'Add' : 'Save'}
          </button>
          <a class="button" href={existing === undefined ? linkTo('rules', tenant) : page}>
            Cancel
          </a>
        </div>
      </Form>
      <Section
        title="Test"
        about="Says what the rule above would do with a message. Nothing is sent or stored."
      >
        <RuleTest
          path={`/tenants/${encodeURIComponent(tenant)}/rules/test`}
          topic={draft.filter}
          rule={() => ruleOf(draft)}
        />
      </Section>
    </Page>
  );
}
