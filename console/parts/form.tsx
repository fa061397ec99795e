import type { ComponentChildren, Ref } from 'preact';

export interface FormProps {
  /** Accessible name; absent: its only field says what it is for. */
  readonly label?: string;
  /** `card`: fields below each other. `toolbar`: in a row. */
  readonly layout: 'card' | 'toolbar';
  /** Also by the Enter key in a field. */
  readonly onSubmit: () => void;
  readonly children: ComponentChildren;
  readonly elementRef?: Ref<HTMLFormElement>;
}

/** A form that the page itself handles. */
export function Form({ label, layout, onSubmit, children, elementRef = null }: FormProps) {
  return (
    <form
      ref={elementRef}
      class={layout === 'card' ? 'card stack' : 'toolbar'}
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
