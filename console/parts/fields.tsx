import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Labelled {
  readonly label: string;
  /** What is expected, below the field. */
  readonly hint?: ComponentChildren;
  /** What is wrong with the value; the field is marked as invalid. */
  readonly flaw?: string | undefined;
}

interface TextFieldProps extends Labelled {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'number' | 'password' | 'search';
  readonly placeholder?: string;
  readonly isRequired?: boolean;
  readonly isMono?: boolean;
  /** More than 1: a field of several lines. */
  readonly rows?: number;
  readonly min?: number;
  readonly max?: number;
}

/** A labelled field of text or numbers; every field of the console has a visible label. */
export function TextField(props: TextFieldProps) {
  const { value, onChange, type = 'text', rows = 1, isRequired, isMono, placeholder, min, max } = props;
  const id = useId();
  const common = {
    id,
    value,
    placeholder,
    required: isRequired,
    class: isMono ? 'input mono' : 'input',
    spellcheck: false,
    autocomplete: 'off',
    'aria-invalid': props.flaw !== undefined,
    'aria-describedby': `${id}-hint`,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onChange(currentTarget.value),
  };
  return (
    <Labels {...props} id={id}>
      {rows > 1 ? (
        <textarea {...common} rows={rows} />
      ) : (
        <input {...common} type={type as 'text'} min={min} max={max} />
      )}
    </Labels>
  );
}

/** A labelled choice of few values. */
export function Choice<Value extends string>(
  props: Labelled & {
    readonly value: Value;
    readonly onChange: (value: Value) => void;
    readonly options: readonly (readonly [value: Value, text: string])[];
  },
) {
  const id = useId();
  return (
    <Labels {...props} id={id}>
      <select
        id={id}
        class="input"
        value={props.value}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => props.onChange(currentTarget.value as Value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Labels>
  );
}

/** A choice of yes and no. */
export function Switch(props: {
  readonly label: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={props.isOn}
        onChange={({ currentTarget }) => props.onChange(currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}

function Labels(props: Labelled & { readonly id: string; readonly children: ComponentChildren }) {
  const { id, label, hint, flaw, children } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      <p id={`${id}-hint`} class={flaw === undefined ? 'hint' : 'hint flaw'}>
        {flaw ?? hint}
      </p>
    </div>
  );
}
