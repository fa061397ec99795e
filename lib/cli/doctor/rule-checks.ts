import type { TenantAdmin } from '../../auth/index.ts';
import { UserError } from '../../local/operator/user-error.ts';
import type { AdminClient } from '../admin-client.ts';
import type { RuleView } from '../rules/views.ts';
import type { Finding } from './finding.ts';

/** Tenants whose rules are looked at. Each costs one request, and each of its rules another one. */
const maxTenants = 1_000;

/** What the checks of rules need of a deployment. */
export interface RuleDeployment {
  readonly admin: Pick<TenantAdmin, 'list'>;
  readonly api: Pick<AdminClient, 'all' | 'call'>;
  /** ARNs and kinds that rules may send to, as the stack tells; absent: it does not tell. */
  readonly targets?: ReadonlySet<string> | undefined;
}

/** Looks at all rules: one line for each problem of a rule, or one for all of them. */
export async function* checkRules(deployment: RuleDeployment): AsyncGenerator<Finding> {
  let rules = 0;
  let problems = 0;
  try {
    for await (const tenant of tenantsOf(deployment.admin))
      for await (const rule of deployment.api.all<RuleView>(`/${tenant}/rules`, 'rules')) {
        rules += 1;
        for (const problem of await problemsOf(deployment, tenant, rule)) {
          problems += 1;
          yield { check: `rule ${rule.name} of ${tenant}`, ...problem };
        }
      }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const isOff = error instanceof UserError && error.code === 'rules-off';
    yield { check: 'rules', status: isOff ? 'skipped' : 'failed', detail };
    return;
  }
  if (problems === 0) yield { check: 'rules', status: 'ok', detail: `${rules}, all deliver` };
}

async function* tenantsOf(admin: RuleDeployment['admin']): AsyncGenerator<string> {
  let after: string | undefined;
  for (let count = 0; count < maxTenants; ) {
    const { tenants, more } = await admin.list(after, 100);
    for (const { name } of tenants) {
      yield name;
      after = name;
    }
    count += tenants.length;
    if (!more) return;
  }
}

type Problem = Omit<Finding, 'check'>;

const codeAdvice = 'docs/errors.md says what to do about the code';

async function problemsOf(
  { api, targets }: RuleDeployment,
  tenant: string,
  rule: RuleView,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const { circuit, lastFailure, name } = rule;
  const why = lastFailure === undefined ? '' : ` (${lastFailure.code}, ${lastFailure.at})`;
  if (rule.status === 'paused')
    problems.push({
      status: 'skipped',
      detail: `paused${why}: its messages wait for up to 30 days`,
      advice: `"wisp rule resume ${tenant} ${name}" sends them`,
    });
  else if (circuit.openUntil !== undefined)
    problems.push({
      status: 'failed',
      detail: `its target fails or is slow${why}: messages wait`,
      advice: codeAdvice,
    });
  else if (circuit.failures > 0)
    problems.push({
      status: 'failed',
      detail: `${circuit.failures} failed attempts in a row${why}: they are repeated`,
      advice: codeAdvice,
    });
  const missing = missingTarget(rule, targets);
  if (missing !== undefined) problems.push(missing);
  const { failures } = (await api.call('GET', `/${tenant}/rules/${name}/failures?limit=1`)) as {
    readonly failures: readonly { readonly code: string; readonly failedAt: string }[];
  };
  const [failure] = failures;
  if (failure !== undefined)
    problems.push({
      status: 'failed',
      detail: `messages were given up, the first of them at ${failure.failedAt} (${failure.code})`,
      advice: `Correct the rule or its target, then "wisp rule redrive ${tenant} ${name} --all"`,
    });
  return problems;
}

/** A target that the deployment does not let rules reach. */
function missingTarget({ target }: RuleView, targets: RuleDeployment['targets']): Problem | undefined {
  if (targets === undefined) return undefined;
  if (target.kind === 'kafka' && !targets.has('kafka'))
    return {
      status: 'failed',
      detail: 'the deployment has no rules for Kafka',
      advice: 'Deploy with -c kafkaRules=on',
    };
  const arns = Object.entries(target).filter(([name]) => name.endsWith('Arn'));
  const arn = (arns.find(([name]) => name === 'roleArn') ?? arns[0])?.[1];
  if (typeof arn !== 'string' || targets.has(arn)) return undefined;
  return {
    status: 'failed',
    detail: `the deployment does not let rules reach ${arn}`,
    advice: 'Add it to -c ruleTargets=…, and deploy',
  };
}
