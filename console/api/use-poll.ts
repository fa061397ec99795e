import { useEffect } from 'preact/hooks';
import { type Loaded, useLoad } from './use-load.ts';

/**
 * {@link useLoad}, again every `seconds` while the page is visible: a hidden tab asks nothing, and
 * so costs a deployment nothing. Coming back asks at once.
 *
 * @param seconds 0: do not poll
 */
export function usePoll<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  inputs: readonly (string | number | undefined)[],
  seconds: number,
): Loaded<Value> {
  const loaded = useLoad(load, inputs);
  const { reload } = loaded;
  useEffect(() => {
    if (seconds === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const schedule = () => {
      clearTimeout(timer);
      if (!isOver && !document.hidden) timer = setTimeout(run, seconds * 1_000);
    };
    const run = () => void reload().then(schedule);
    const onVisibility = () => (document.hidden ? clearTimeout(timer) : run());
    document.addEventListener('visibilitychange', onVisibility);
    schedule();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [reload, seconds]);
  return loaded;
}
