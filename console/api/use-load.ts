import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiProblem, isAbort, ApiProblem as Problem } from './call.ts';

/** What a load has brought so far. */
export interface Loaded<Value> {
  /** Of the last load that succeeded; it stays while the next one runs, so that nothing jumps. */
  readonly value: Value | undefined;
  /** Of the last load, if it failed. */
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
  /** Loads again. Resolves when that is done. */
  reload(): Promise<void>;
}

/**
 * Loads something when the component appears, and again when one of `inputs` changes. A load that
 * is no longer wanted is aborted.
 *
 * @param inputs texts and numbers on which the load depends; with another set the value is dropped
 */
export function useLoad<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  inputs: readonly (string | number | undefined)[],
): Loaded<Value> {
  const key = JSON.stringify(inputs);
  const [state, setState] = useState<Outcome<Value> & { readonly key: string }>({ key, isLoading: true });
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | undefined>(undefined);

  const reload = useCallback(async () => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setState((before) => ({ ...(before.key === key ? before : { key }), key, isLoading: true }));
    try {
      const value = await latest.current(controller.signal);
      if (!controller.signal.aborted) setState({ key, value, isLoading: false });
    } catch (error) {
      if (controller.signal.aborted || isAbort(error)) return;
      const problem = asProblem(error);
      setState((before) => ({ ...(before.key === key ? before : {}), key, problem, isLoading: false }));
    }
  }, [key]);

  useEffect(() => {
    void reload();
    return () => running.current?.abort();
  }, [reload]);

  const { value, problem, isLoading } = state.key === key ? state : ({ isLoading: true } as Outcome<Value>);
  return { value, problem, isLoading, reload };
}

interface Outcome<Value> {
  readonly value?: Value;
  readonly problem?: ApiProblem;
  readonly isLoading: boolean;
}

/** Any failure as a problem, for components that show problems. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof Problem) return error;
  return new Problem(0, 'console-failed', error instanceof Error ? error.message : String(error));
}
