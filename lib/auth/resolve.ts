import type { Identity, PermissionRule, Permissions } from '../core/permissions.ts';
import { isGrantFilter } from './claim-path.ts';

const placeholder = /\$\{([^}]*)\}/g;

/**
 * Replaces `${clientId}` (or `${clientid}`), `${sub}`, `${username}` and `${tenant}` in an
 * identity's rules. The values come from the verified token alone, never from CONNECT or a request:
 * a client that names itself could take the topics of another.
 *
 * A value that holds `+`, `#` or `/`, is empty, or begins a filter with `$` would change the levels
 * that a rule covers. An allow rule with such a value, or with an unknown or unset placeholder,
 * grants nothing. A deny rule must not become narrower, so it denies everything from that level on.
 */
export function resolvePermissions(identity: Identity): Permissions {
  if (identity.isObserver) return identity.grants;
  const values: Readonly<Record<string, string | undefined>> = {
    clientId: identity.clientId,
    clientid: identity.clientId,
    sub: identity.subject,
    username: identity.username,
    tenant: identity.tenant,
  };
  const valueFor = (name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);
  return identity.grants.flatMap((rule) => resolveRule(rule, valueFor));
}

function resolveRule(rule: PermissionRule, valueFor: (name: string) => string | undefined): PermissionRule[] {
  if (!rule.filter.includes('${')) return [rule];
  let safe = true;
  const filter = rule.filter.replace(placeholder, (_, name: string, offset: number) => {
    const value = valueFor(name) ?? '';
    if (!isOneLevel(value) || (offset === 0 && value.startsWith('$'))) safe = false;
    return value;
  });
  const resolved = isGrantFilter(filter) ? [{ ...rule, filter }] : [];
  if (safe) return resolved;
  return rule.effect === 'allow' ? [] : [...resolved, widened(rule)];
}

function isOneLevel(value: string): boolean {
  return value.length > 0 && !/[+#/]/.test(value);
}

/** `a/b-${x}/c` → `a/#`. */
function widened({ exact: _, ...rule }: PermissionRule): PermissionRule {
  const levels = rule.filter.split('/');
  const first = levels.findIndex((level) => level.includes('${'));
  return { ...rule, filter: [...levels.slice(0, first), '#'].join('/') };
}
