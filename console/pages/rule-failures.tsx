import { useEffect, useRef, useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import { remedyOf } from '../api/remedies.ts';
import type { RuleFailure } from '../api/rule-types.ts';
import { usePaged } from '../api/use-paged.ts';
import { bytes, number } from '../format.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Time } from '../parts/facts.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Section } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { attempt, toastDone } from '../parts/toasts.tsx';

/** Each failure is read as a whole, with its payload. */
const pageSize = 20;

interface Redriven {
  readonly redriven: number;
  readonly more: boolean;
}

/** Messages that the rule has given up, and a way to send them again. */
export function RuleFailures(props: {
  readonly path: string;
  /** Failures that the rule has; another number loads the list again. */
  readonly count: number;
  readonly onSent: () => void;
}) {
  const { path, count, onSent } = props;
  const [isAsking, setAsking] = useState(false);
  const failures = usePaged<RuleFailure>(`${path}/failures`, 'failures', {}, pageSize);
  const { problem, items } = failures;
  const redrive = (body: object) => admin<Redriven>('POST', `${path}/redrive`, { body });
  const sendOne = async (id: string) => {
    if (await attempt(() => redrive({ ids: [id] }), 'The message is sent again.')) onSent();
    await failures.reload();
  };
  // One call at a time: of more than 1,000 failures those that fail again would come first again.
  const sendAll = async () => {
    const { redriven, more } = await redrive({ all: true });
    toastDone(`${number(redriven)} sent again${more ? '; others are left' : ''}.`);
    await failures.reload();
    onSent();
  };
  const { reload } = failures;
  const known = useRef(count);
  useEffect(() => {
    if (known.current !== count) void reload();
    known.current = count;
  }, [count, reload]);
  return (
    <Section
      title="Failures"
      about="Messages that the target has refused, or that could not be delivered in time. They are kept for 14 days."
      actions={
        items !== undefined &&
        items.length > 0 && (
          <button type="button" class="button" onClick={() => setAsking(true)}>
            Send all again …
          </button>
        )
      }
    >
      {problem !== undefined ? (
        <ProblemNotice problem={problem} retry={() => void failures.reload()} />
      ) : (
        <Table
          caption="Failures"
          items={items}
          keyOf={({ id }) => id}
          isLoading={failures.isLoading}
          columns={columnsOf(sendOne)}
          empty={
            <Empty title="No failures">
              A message that the target refuses, or that is not delivered in time, appears here.
            </Empty>
          }
        />
      )}
      <Pager paged={failures} />
      {isAsking && (
        <Dialog
          title="Send all failures again?"
          action="Send again"
          onClose={() => setAsking(false)}
          onSubmit={sendAll}
        >
          <p>
            Each is sent again, the oldest first, with the id that it had before. What fails again comes back
            here.
          </p>
        </Dialog>
      )}
    </Section>
  );
}

function columnsOf(sendOne: (id: string) => Promise<void>): readonly Column<RuleFailure>[] {
  return [
    {
      title: 'Message',
      cell: ({ topic, clientId }) => (
        <>
          <span class="mono">{topic}</span>
          {clientId !== undefined && <p class="muted small">by {clientId}</p>}
        </>
      ),
    },
    {
      title: 'Reason',
      cell: ({ code, message }) => (
        <>
          <code title={message}>{code ?? 'unknown'}</code>
          {code !== undefined && <p class="muted small">{remedyOf(code)}</p>}
        </>
      ),
    },
    { title: 'Size', isNumber: true, cell: ({ payloadBytes }) => bytes(payloadBytes) },
    { title: 'Failed', cell: ({ failedAt }) => <Time at={failedAt} /> },
    {
      title: 'Actions',
      hasHiddenTitle: true,
      cell: ({ id, topic }) => (
        <div class="row-actions">
          <button
            type="button"
            class="button"
            title={id}
            aria-label={`Send again: ${topic}`}
            onClick={() => void sendOne(id)}
          >
            Send again
          </button>
        </div>
      ),
    },
  ];
}
