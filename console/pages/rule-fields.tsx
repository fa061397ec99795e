import type { ApiProblem } from '../api/call.ts';
import { Choice, Switch, TextField } from '../parts/fields.tsx';
import { type RuleDraft, sentPattern } from '../rules/draft.ts';
import { excerptOf, flawAt } from '../rules/flaw.ts';
import { fieldsOf, targetKinds, textOf } from '../rules/target-fields.ts';

const sendForms = [
  ['envelope', 'The message as JSON (envelope)'],
  ['payload', 'The payload alone'],
  ['template', 'A template'],
] as const;

interface PartProps {
  readonly draft: RuleDraft;
  readonly refusal: ApiProblem | undefined;
  readonly onChange: (next: Partial<RuleDraft>) => void;
}

/** Which messages, and what of them. */
export function Selection({ draft, refusal, onChange }: PartProps) {
  return (
    <>
      <h2>Messages</h2>
      <TextField
        label="Topic filter"
        value={draft.filter}
        onChange={(filter) => onChange({ filter })}
        isMono
        isRequired
        hint="As in SUBSCRIBE: devices/+/state"
        flaw={flawAt(refusal, 'filter')}
      />
      <Located
        label="Pattern"
        text={draft.where}
        sent={sentPattern(draft)}
        onChange={(where) => onChange({ where })}
        flaw={flawAt(refusal, 'where')}
        hint='Only messages that it fits; may be empty. {"payload": {"total": [{"numeric": [">", 100]}]}}'
      />
      <Choice label="Send" value={draft.form} onChange={(form) => onChange({ form })} options={sendForms} />
      {draft.form === 'template' && (
        <Located
          label="Template"
          text={draft.template}
          sent={draft.template}
          onChange={(template) => onChange({ template })}
          flaw={flawAt(refusal, 'send.template')}
          hint='Variables stand in angle brackets: {"order": <$.levels[1]>}'
        />
      )}
    </>
  );
}

/** A field whose mistakes have a place in the text, which is shown below it. */
function Located(props: {
  readonly label: string;
  readonly text: string;
  /** The text as the service has it. */
  readonly sent: string;
  readonly onChange: (text: string) => void;
  readonly hint: string;
  readonly flaw: string | undefined;
}) {
  const { label, text, sent, onChange, hint, flaw } = props;
  const excerpt = flaw === undefined ? undefined : excerptOf(sent, flaw);
  return (
    <div>
      <TextField label={label} value={text} onChange={onChange} isMono rows={4} hint={hint} flaw={flaw} />
      {excerpt !== undefined && (
        <p
          class="excerpt mono small"
          role="note"
          aria-label={`Line ${excerpt.line}, column ${excerpt.column}`}
        >
          {excerpt.before}
          <mark>{excerpt.wrong === '' ? ' (end)' : excerpt.wrong}</mark>
          {excerpt.after}
        </p>
      )}
    </div>
  );
}

/** Where they go: the fields of the kind that is chosen. */
export function Target({ draft, refusal, onChange }: PartProps) {
  const { kind, target } = draft;
  const set = (name: string) => (text: string) => onChange({ target: { ...target, [name]: text } });
  return (
    <div class="fields">
      <Choice
        label="Target"
        value={kind}
        onChange={(next) => onChange({ kind: next, target: {} })}
        options={targetKinds.map((one) => [one.kind, one.title] as const)}
      />
      {fieldsOf(kind, target).map((field) => {
        const text = textOf(field, target);
        const common = { label: field.label, value: text, onChange: set(field.name), hint: field.hint };
        const flaw = flawAt(refusal, field.member ?? `target.${field.name}`);
        if (field.isSwitch)
          return (
            <Switch
              key={field.name}
              label={field.label}
              isOn={text === 'true'}
              onChange={(isOn) => set(field.name)(String(isOn))}
            />
          );
        return field.options === undefined ? (
          <TextField
            key={field.name}
            {...common}
            flaw={flaw}
            isMono
            isRequired={field.isRequired === true}
            rows={field.rows ?? 1}
          />
        ) : (
          <Choice key={field.name} {...common} flaw={flaw} options={field.options} />
        );
      })}
    </div>
  );
}
