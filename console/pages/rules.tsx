import type { RuleSummary } from '../api/rule-types.ts';
import { usePaged } from '../api/use-paged.ts';
import type { PageProps } from '../page-props.ts';
import { Copyable } from '../parts/facts.tsx';
import { RuleLink } from '../parts/links.tsx';
import { Empty, ProblemNotice } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { linkTo, route } from '../route.ts';
import { newDraft } from '../rules/draft.ts';
import { isTargetKind, targetTitle } from '../rules/target-fields.ts';
import { about } from '../session.ts';
import { RuleBadge } from './rule-badge.tsx';
import { RuleDetails } from './rule-details.tsx';
import { RuleForm } from './rule-form.tsx';

/** The rules of a tenant, or the one of the address, or a form for a new one. */
export default function Rules({ tenant }: PageProps) {
  const { query } = route.value;
  const [name, kind] = [query.get('rule'), query.get('add')];
  if (name !== null) return <RuleDetails key={name} tenant={tenant} name={name} />;
  if (kind !== null)
    return <RuleForm tenant={tenant} initial={newDraft(isTargetKind(kind) ? kind : 'webhook')} />;
  return <RuleList tenant={tenant} />;
}

function RuleList({ tenant }: PageProps) {
  const rules = usePaged<RuleSummary>(`/tenants/${encodeURIComponent(tenant)}/rules`, 'rules');
  const { problem, items } = rules;
  return (
    <Page
      title="Rules"
      about={`Rules of ${tenant} send messages to webhooks, to services of AWS, to Kafka, or to another topic.`}
      actions={
        <>
          <button type="button" class="button" onClick={() => void rules.reload()}>
            Refresh
          </button>
          <a class="button button-main" href={linkTo('rules', tenant, { add: 'webhook' })}>
            Add a rule
          </a>
        </>
      }
    >
      {problem !== undefined ? (
        <ProblemNotice problem={problem} retry={() => void rules.reload()} />
      ) : (
        <Table
          caption="Rules"
          columns={columnsOf(tenant)}
          items={items}
          keyOf={({ name }) => name}
          isLoading={rules.isLoading}
          empty={<NoRules tenant={tenant} />}
        />
      )}
      <Pager paged={rules} />
    </Page>
  );
}

function NoRules({ tenant }: PageProps) {
  return (
    <Empty title="No rule yet">
      <p>
        <a href={linkTo('rules', tenant, { add: 'webhook' })}>Add one here</a>, or in a terminal:
      </p>
      <Copyable text={addCommand(tenant)} label="the command" />
    </Empty>
  );
}

/** Of a deployment the label names its stack. */
function addCommand(tenant: string): string {
  const { isLocal = true, label = '' } = about.value ?? {};
  const target = isLocal ? 'http://127.0.0.1:9000/in' : 'https://example.com/in';
  const stack = isLocal ? '' : ` --stack ${label.replace(/^stack /, '')}`;
  return `npx wisp rule add ${tenant} hook --filter 'devices/#' --webhook ${target}${stack}`;
}

function columnsOf(tenant: string): readonly Column<RuleSummary>[] {
  return [
    {
      title: 'Name',
      cell: ({ name }) => <RuleLink tenant={tenant} name={name} />,
    },
    { title: 'State', cell: (rule) => <RuleBadge rule={rule} /> },
    {
      title: 'Topic filter',
      cell: ({ filter, where }) => (
        <>
          <span class="mono">{filter}</span>
          {where !== undefined && <span class="muted small"> and a pattern</span>}
        </>
      ),
    },
    { title: 'Target', cell: ({ target }) => targetTitle(target.kind) },
    {
      title: 'Last failure',
      cell: ({ lastFailure }) =>
        lastFailure === undefined ? <span class="muted">none</span> : <code>{lastFailure.code}</code>,
    },
  ];
}
