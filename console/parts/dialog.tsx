import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiProblem } from '../api/call.ts';
import { asProblem } from '../api/use-load.ts';
import { ProblemNotice } from './notices.tsx';

interface DialogProps {
  readonly title: string;
  /** Called for Escape, Cancel and after success: the owner then leaves the dialog out. */
  readonly onClose: () => void;
  /** Text of the button that submits, such as "Create". Absent: there is only "Close". */
  readonly action?: string;
  readonly isDanger?: boolean;
  /** Whether the button can be used. Default: true. */
  readonly isReady?: boolean;
  /** Runs on submit. The dialog closes when it succeeds, and shows the problem when it fails. */
  readonly onSubmit?: () => Promise<unknown>;
  readonly children?: ComponentChildren;
}

/**
 * A question or a form over the page: `{isOpen && <Dialog title="Create a tenant" … />}`. The
 * browser keeps the focus inside; afterwards it is where it was before.
 */
export function Dialog(props: DialogProps) {
  const { title, onClose, action, isDanger = false, isReady = true, onSubmit, children } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [problem, setProblem] = useState<ApiProblem | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (onSubmit === undefined || isBusy) return;
    setBusy(true);
    try {
      await onSubmit();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };

  return (
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={id}>{title}</h2>
        <div class="dialog-body">{children}</div>
        <div class="dialog-foot">
          {problem !== undefined && <ProblemNotice problem={problem} />}
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={onClose}>
              {action === undefined ? 'Close' : 'Cancel'}
            </button>
            {action !== undefined && (
              <button
                type="submit"
                class={isDanger ? 'button button-danger' : 'button button-main'}
                disabled={!isReady || isBusy}
              >
                {action}
              </button>
            )}
          </div>
        </div>
      </form>
    </dialog>
  );
}
