import type { ComponentChildren } from 'preact';
import type { ApiProblem } from '../api/call.ts';
import { remedyOf } from '../api/remedies.ts';
import { sentence } from '../format.ts';

/** In place of a list without items. The children say what to do next. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="muted">{children}</div>}
    </div>
  );
}

/** In place of what could not be loaded: what happened, its code, what to do, a way to retry. */
export function ProblemNotice({
  problem,
  retry,
}: {
  readonly problem: ApiProblem;
  readonly retry?: () => void;
}) {
  return (
    <div class="notice notice-problem" role="alert">
      <p>{sentence(problem.message)}</p>
      <p class="muted small">
        <code>{problem.code}</code> {remedyOf(problem.code)}
      </p>
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A remark that stays: what a thing costs, why it is so. */
export function Note({ children }: { readonly children: ComponentChildren }) {
  return <div class="notice">{children}</div>;
}
