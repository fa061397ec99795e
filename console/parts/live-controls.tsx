import { number } from '../format.ts';
import { type LiveList, maxLiveItems } from '../mqtt/live-list.ts';
import { saveJson } from '../save.ts';

/** Pause, clear and export of a live view, and what it leaves out. */
export function LiveControls<Item>(props: {
  readonly live: LiveList<Item>;
  readonly file: string;
  /** An item of the export; default: as it is. */
  readonly toJson?: (item: Item) => unknown;
}) {
  const { live, file, toJson = (item) => item } = props;
  const pause = live.pause.value;
  const leftOut = live.leftOut.value;
  return (
    <>
      {pause === undefined ? (
        <button type="button" class="button" onClick={() => live.pauseNow()}>
          Pause
        </button>
      ) : (
        <button type="button" class="button" onClick={() => live.resume()}>
          Resume
        </button>
      )}
      <button type="button" class="button" onClick={() => live.clear()}>
        Clear
      </button>
      <button
        type="button"
        class="button"
        disabled={live.items.value.length === 0}
        onClick={() => saveJson(file, live.items.peek().map(toJson))}
      >
        Export
      </button>
      <span class="muted small" role="status">
        {pause === 'too-fast' && 'Paused: more arrived than can be shown. '}
        {pause === 'operator' && 'Paused. '}
        {leftOut > 0 && `${number(leftOut)} left out. `}
        {live.items.value.length === maxLiveItems && `The newest ${number(maxLiveItems)} are kept.`}
      </span>
    </>
  );
}
