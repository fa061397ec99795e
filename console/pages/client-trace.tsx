import { useEffect, useRef, useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { TraceLine } from '../api/client-types.ts';
import { clock, number } from '../format.ts';
import { LiveList } from '../mqtt/live-list.ts';
import { onNextFrame } from '../mqtt/next-frame.ts';
import { observe } from '../mqtt/observe.ts';
import { Badge } from '../parts/facts.tsx';
import { Choice } from '../parts/fields.tsx';
import { LiveControls } from '../parts/live-controls.tsx';
import { Empty } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { attempt } from '../parts/toasts.tsx';

const durations = [
  ['300', '5 minutes'],
  ['900', '15 minutes'],
  ['3600', '1 hour'],
] as const;

/** Rows that are shown; the list keeps more. */
const maxRows = 200;

interface NumberedLine extends TraceLine {
  readonly number: number;
}

/** Every decision about one client, as it is made. Leaving the page ends the trace. */
export function ClientTrace({ tenant, clientId }: { readonly tenant: string; readonly clientId: string }) {
  const [seconds, setSeconds] = useState<(typeof durations)[number][0]>('300');
  const [state, setState] = useState<'off' | 'starting' | 'on'>('off');
  const [live] = useState(() => new LiveList<NumberedLine>(onNextFrame));
  const running = useRef<Running | undefined>(undefined);

  const stop = () => {
    const { current } = running;
    running.current = undefined;
    setState('off');
    return current?.stop();
  };
  useEffect(() => () => void running.current?.stop(), []);

  const start = async () => {
    let count = live.total.peek();
    const tracing = new Running();
    running.current = tracing;
    setState('starting');
    live.clear();
    live.resume();
    const isOn = await attempt(() =>
      tracing.start(
        { tenant, clientId, seconds: Number(seconds) },
        (line) => {
          count += 1;
          live.add({ ...line, number: count });
        },
        () => {
          if (running.current === tracing) void stop();
        },
      ),
    );
    if (running.current !== tracing) return;
    if (isOn) setState('on');
    else await stop();
  };

  const rows = live.items.value.slice(-maxRows).reverse();
  return (
    <Section
      title="Trace"
      about="What the service decides about this client, live, the newest first: never payloads or tokens. Costs nothing while it is off."
      actions={
        state === 'off' ? (
          <button type="button" class="button" onClick={() => void start()}>
            Start trace
          </button>
        ) : (
          <button type="button" class="button" onClick={() => void stop()}>
            Stop trace
          </button>
        )
      }
    >
      <div class="toolbar">
        {state === 'off' && (
          <Choice label="Trace for" value={seconds} onChange={setSeconds} options={durations} />
        )}
        {state === 'starting' && <Badge kind="plain">starting</Badge>}
        {state === 'on' && <Badge kind="good">tracing</Badge>}
        {(state === 'on' || rows.length > 0) && <LiveControls live={live} file={`trace-${clientId}.json`} />}
      </div>
      {(state === 'on' || rows.length > 0) && (
        <Table
          caption="Trace"
          items={rows}
          keyOf={(line) => String(line.number)}
          empty={<Empty title="No decision yet">Lines appear when the client does something.</Empty>}
          columns={[
            {
              title: 'Time',
              cell: ({ at }) => (
                <time dateTime={at} title={at}>
                  {clock(at)}
                </time>
              ),
            },
            { title: 'Step', cell: ({ step }) => <Badge kind={kindOf(step)}>{step}</Badge> },
            { title: 'Details', cell: (line) => <span class="mono small">{details(line)}</span> },
          ]}
        />
      )}
    </Section>
  );
}

/** A trace and the connection that brings its lines; it can be stopped while it starts. */
class Running {
  #end: (() => Promise<void>) | undefined;
  #isStopped = false;

  async start(
    traced: { readonly tenant: string; readonly clientId: string; readonly seconds: number },
    onLine: (line: TraceLine) => void,
    onEnd: () => void,
  ): Promise<void> {
    const { tenant, clientId, seconds } = traced;
    const path = `/tenants/${encodeURIComponent(tenant)}/client/trace`;
    const endTrace = () => admin('DELETE', path, { query: { clientId } }).catch(() => {});
    const { topic } = await admin<{ topic: string }>('PUT', path, { query: { clientId }, body: { seconds } });
    try {
      const onMessage = (payload: string) => onLine(JSON.parse(payload) as TraceLine);
      const endSession = await observe(tenant, topic, seconds, onMessage, onEnd);
      this.#end = async () => {
        await Promise.all([endTrace(), endSession()]);
      };
    } catch (error) {
      await endTrace();
      throw error;
    }
    if (this.#isStopped) await this.#end();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const end = this.#end;
    this.#end = undefined;
    await end?.();
  }
}

function details({
  at: _at,
  client: _client,
  step: _step,
  number: _number,
  leftOut,
  ...fields
}: NumberedLine) {
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  if (leftOut !== undefined) texts.push(`${number(leftOut)} lines left out before this one`);
  return texts.join('  ');
}

function kindOf(step: string): 'good' | 'warning' | 'bad' | 'plain' {
  if (['refused', 'dropped', 'failed'].includes(step)) return 'bad';
  if (['gone', 'disconnect'].includes(step)) return 'warning';
  return ['posted', 'acknowledged', 'connect'].includes(step) ? 'good' : 'plain';
}
