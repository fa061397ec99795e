import { linkTo } from '../route.ts';

interface LinkProps {
  readonly tenant: string;
  readonly name: string;
}

/** A client identifier that leads to the client's page. */
export function ClientLink({ tenant, name }: LinkProps) {
  return (
    <a class="mono" href={linkTo('clients', tenant, { client: name })}>
      {name}
    </a>
  );
}

/** The name of a rule that leads to its page. */
export function RuleLink({ tenant, name }: LinkProps) {
  return (
    <a class="mono" href={linkTo('rules', tenant, { rule: name })}>
      {name}
    </a>
  );
}
