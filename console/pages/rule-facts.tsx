import { remedyOf } from '../api/remedies.ts';
import type { Rule } from '../api/rule-types.ts';
import { number, sentence } from '../format.ts';
import { Facts, Time } from '../parts/facts.tsx';
import { Note } from '../parts/notices.tsx';
import { fieldsOf, targetTitle, textOf, textsOf } from '../rules/target-fields.ts';
import { RuleBadge } from './rule-badge.tsx';

/** What keeps the rule from sending, with what to do. */
export function RuleState({ rule: { secret, circuit, lastFailure } }: { readonly rule: Rule }) {
  return (
    <div class="stack">
      {secret !== undefined && secret.since === undefined && (
        <Note>There is no secret yet, so nothing can be sent. Set it with “Secret …”, then resume.</Note>
      )}
      {circuit.openUntil !== undefined && lastFailure !== undefined && (
        <div class="notice notice-problem">
          <p>
            {sentence(lastFailure.message)}. Messages wait; next attempt: <Time at={circuit.openUntil} />
          </p>
          <p class="muted small">
            <code>{lastFailure.code}</code> {remedyOf(lastFailure.code)}
          </p>
        </div>
      )}
    </div>
  );
}

/** What the rule selects, where it sends, how it does. */
export function RuleFacts({ rule }: { readonly rule: Rule }) {
  const { filter, where, send, target, secret, lastFailure } = rule;
  const texts = textsOf(target);
  return (
    <div class="card stack">
      <Facts
        of={[
          ['State', <RuleBadge key="state" rule={rule} />],
          ['Topic filter', mono(filter)],
          ['Target', targetTitle(target.kind)],
          ...fieldsOf(target.kind, texts).flatMap((field) => {
            const text = textOf(field, texts);
            return text === '' ? [] : [[field.label, field.isSwitch ? yesOrNo(text) : mono(text)] as const];
          }),
          ['Sends', send.form === 'envelope' ? 'the message as JSON (envelope)' : `the ${send.form}`],
          ['Gives up after', `${rule.retryHours} h`],
          ['Waiting messages', countText(rule.waiting)],
          ['Failures', countText(rule.failures)],
          ['Failed attempts in a row', number(rule.circuit.failures)],
          [
            'Last failure',
            lastFailure && (
              <>
                <code>{lastFailure.code}</code>, <Time at={lastFailure.at} />
              </>
            ),
          ],
          ['Secret', secret && secretText(secret)],
          ['Owner', rule.owner ?? 'operator'],
          ['Created', <Time key="created" at={rule.createdAt} />],
        ]}
      />
      {where !== undefined && <Source title="Pattern" text={where} />}
      {send.template !== undefined && <Source title="Template" text={send.template} />}
    </div>
  );
}

function Source({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <div>
      <h3>{title}</h3>
      <pre class="source">{text}</pre>
    </div>
  );
}

function mono(text: string) {
  return <span class="mono">{text}</span>;
}

function yesOrNo(text: string): string {
  return text === 'true' ? 'yes' : 'no';
}

function secretText({ since, hasPrevious }: NonNullable<Rule['secret']>) {
  if (since === undefined) return 'not set';
  return (
    <>
      since <Time at={since} />
      {hasPrevious && '; the previous one signs too'}
    </>
  );
}

export function countText({ count, more }: Rule['waiting']): string {
  return more ? `${number(count)} or more` : number(count);
}
