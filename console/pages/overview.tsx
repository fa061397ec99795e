import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { admin } from '../api/call.ts';
import type { TenantSummary } from '../api/types.ts';
import { loadUsage } from '../api/usage.ts';
import { addUp, refusalsByCode, type UsageSteps, valuesOf } from '../api/usage-steps.ts';
import { usePoll } from '../api/use-poll.ts';
import { compact, number } from '../format.ts';
import { Figure } from '../parts/facts.tsx';
import { Empty, Note, ProblemNotice } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { Plot } from '../parts/plot.tsx';
import { Refusals } from '../parts/refusals.tsx';
import { Table } from '../parts/table.tsx';
import { linkTo } from '../route.ts';
import { about } from '../session.ts';

/** Tenants of a page; each costs a call for every look. */
const maxTenants = 10;
const minutes = 60;
const hours = 24;

interface Look {
  readonly tenants: readonly { readonly name: string; readonly usage: UsageSteps }[];
  /** Where the next tenants begin; absent: these are the last. */
  readonly next: string | undefined;
}

interface Seen {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

const nothing: Seen = { times: [], values: [] };
/** Connections as this page has seen them since it was opened: the service keeps no history. */
const seen = signal(nothing);
const maxSeen = 720;

/** How the service does now: connections, messages and refusals of ten tenants at a time. */
export default function Overview() {
  // Where the pages before this one ended.
  const [pages, setPages] = useState<readonly string[]>([]);
  const page = pages.at(-1);
  const isLocal = about.value?.isLocal === true;
  // A look at a deployment costs invocations.
  const lookSeconds = isLocal ? 5 : 30;
  const look = usePoll(
    async (aborted) => {
      const loaded = await lookAt('minute', minutes, page, aborted);
      keepConnections(loaded);
      return loaded;
    },
    [page],
    lookSeconds,
  );
  const today = usePoll((aborted) => lookAt('hour', hours, page, aborted), [page], isLocal ? 15 : 300);
  const sum = look.value === undefined ? undefined : addUp(look.value.tenants.map(({ usage }) => usage));
  const sumToday =
    today.value === undefined ? undefined : addUp(today.value.tenants.map(({ usage }) => usage));
  const refusals = sumToday === undefined ? undefined : refusalsByCode(sumToday);
  const problem = look.problem ?? today.problem;
  const isWhole = pages.length === 0 && look.value?.next === undefined;
  const turn = (to: readonly string[]) => {
    seen.value = nothing;
    setPages(to);
  };
  if (look.value?.tenants.length === 0)
    return (
      <Page title="Overview">
        <Empty title="There are no tenants yet">
          <a href={linkTo('tenants')}>Create a tenant</a>, mint a token, and connect its first client.
        </Empty>
      </Page>
    );
  return (
    <Page title="Overview" about={aboutText(isWhole, lookSeconds, isLocal ? undefined : look.value)}>
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void look.reload()} />}
      <div class="figures">
        <Figure name="Connections" value={sum && number(sum.now.connections)} />
        <Figure name="Messages in" value={sum && rateText(sum, 'messagesIn')} about="a second" />
        <Figure name="Messages out" value={sum && rateText(sum, 'messagesOut')} about="a second" />
        <Figure
          name="Refusals"
          value={refusals && compact(refusals.reduce((total, [, count]) => total + count, 0))}
          about={`in ${hours} hours`}
        />
      </div>
      {!isWhole && (
        <Note>
          All of this page is about {look.value?.tenants.length ?? maxTenants} tenants, {maxTenants} at a time
          by name. Others are on the pages before and after.
        </Note>
      )}
      <Section title="Live">
        <div class="plots">
          <Plot
            title="Messages"
            unit="a second"
            times={sum?.times ?? []}
            series={[
              { name: 'in', values: sum === undefined ? [] : valuesOf(sum, 'messagesIn', 60) },
              { name: 'out', values: sum === undefined ? [] : valuesOf(sum, 'messagesOut', 60) },
            ]}
            isLoading={look.isLoading}
          />
          <Plot
            title="Connections"
            unit="since you look"
            times={seen.value.times}
            series={[{ name: 'open', values: seen.value.values }]}
            span={hourUntilNow()}
            isWhole
            isLoading={look.isLoading}
          />
          <Plot
            title="Refusals"
            unit="a minute"
            times={sum?.times ?? []}
            series={[{ name: 'refused', values: sum === undefined ? [] : valuesOf(sum, 'refused') }]}
            isLoading={look.isLoading}
            isWhole
          />
        </div>
      </Section>
      <Section title="Refusals" about={`By the code of docs/errors.md, in the last ${hours} hours.`}>
        <Refusals usage={sumToday} />
      </Section>
      <Section title="Tenants">
        <Table
          caption="Tenants and what they do now"
          items={look.value?.tenants}
          keyOf={({ name }) => name}
          empty={null}
          columns={[
            { title: 'Tenant', cell: ({ name }) => <a href={linkTo('usage', name)}>{name}</a> },
            { title: 'Connections', isNumber: true, cell: ({ usage }) => number(usage.now.connections) },
            { title: 'In a second', isNumber: true, cell: ({ usage }) => rateText(usage, 'messagesIn') },
            { title: 'Out a second', isNumber: true, cell: ({ usage }) => rateText(usage, 'messagesOut') },
            { title: 'Retained', isNumber: true, cell: ({ usage }) => number(usage.now.retainedMessages) },
          ]}
        />
        <Pager
          paged={{
            pageNumber: pages.length + 1,
            hasNext: look.value?.next !== undefined,
            isLoading: look.value === undefined,
            next: () => turn([...pages, look.value?.next ?? '']),
            previous: () => turn(pages.slice(0, -1)),
          }}
        />
      </Section>
    </Page>
  );
}

function hourUntilNow(): readonly [number, number] {
  const now = Date.now() / 1_000;
  return [now - 3_600, now];
}

function aboutText(isWhole: boolean, lookSeconds: number, deployed: Look | undefined): string {
  const tenants = isWhole ? 'All tenants' : 'Some tenants';
  const every = `${tenants}, every ${lookSeconds} seconds while this page is visible.`;
  if (deployed === undefined) return every;
  return `${every} Each look makes ${deployed.tenants.length + 1} calls of the admin API.`;
}

async function lookAt(
  resolution: 'hour' | 'minute',
  count: number,
  page: string | undefined,
  aborted: AbortSignal,
): Promise<Look> {
  const { tenants, next } = await admin<{ tenants: TenantSummary[]; next?: string }>('GET', '/tenants', {
    query: { limit: maxTenants, page },
    signal: aborted,
  });
  const looks = tenants.map(async ({ name }) => ({
    name,
    usage: await loadUsage(name, resolution, count, aborted),
  }));
  return { tenants: await Promise.all(looks), next };
}

/** Of the last minute that is over: the current one is not complete. */
function rateText(usage: UsageSteps, counter: 'messagesIn' | 'messagesOut'): string {
  return compact(valuesOf(usage, counter, 60).at(-2) ?? 0);
}

function keepConnections({ tenants }: Look): void {
  const open = tenants.reduce((total, { usage }) => total + usage.now.connections, 0);
  const { times, values } = seen.value;
  seen.value = {
    times: [...times, Date.now() / 1_000].slice(-maxSeen),
    values: [...values, open].slice(-maxSeen),
  };
}
