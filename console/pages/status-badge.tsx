import type { TenantStatus } from '../api/types.ts';
import { Badge } from '../parts/facts.tsx';

const kinds = { active: 'good', suspended: 'warning', deleting: 'bad' } as const;

export function StatusBadge({ status }: { readonly status: TenantStatus }) {
  return <Badge kind={kinds[status]}>{status}</Badge>;
}
