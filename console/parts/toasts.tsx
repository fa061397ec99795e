import { signal } from '@preact/signals';
import { remedyOf } from '../api/remedies.ts';
import { asProblem } from '../api/use-load.ts';
import { sentence } from '../format.ts';

interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'problem';
  readonly text: string;
  readonly code?: string;
}

const toasts = signal<readonly Toast[]>([]);
const doneMs = 6_000;
const maxToasts = 4;
let lastId = 0;

function show(toast: Omit<Toast, 'id'>): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value.slice(1 - maxToasts), { ...toast, id }];
  // Problems stay until they are read.
  if (toast.kind === 'done') setTimeout(() => dismiss(id), doneMs);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Tells in passing that something was done: "Tenant acme is suspended." */
export function toastDone(text: string): void {
  show({ kind: 'done', text });
}

/** Tells what went wrong, with its code and what to do; for failures of actions. */
function toastProblem(error: unknown): void {
  const { code, message } = asProblem(error);
  show({ kind: 'problem', text: message, code });
}

/** Runs an action of a button: a failure becomes a toast. @returns whether it succeeded */
export async function attempt(action: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await action();
    if (done !== undefined) toastDone(done);
    return true;
  } catch (error) {
    toastProblem(error);
    return false;
  }
}

/** Where toasts appear; the shell has one. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, text, code }) => (
        <div key={id} class={`toast toast-${kind}`}>
          <div class="toast-text">
            <p>{sentence(text)}</p>
            {code !== undefined && (
              <p class="muted small">
                <code>{code}</code> {remedyOf(code)}
              </p>
            )}
          </div>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
