import { Badge } from '../parts/facts.tsx';

export function OnlineBadge({ isOnline }: { readonly isOnline: boolean }) {
  return <Badge kind={isOnline ? 'good' : 'plain'}>{isOnline ? 'online' : 'offline'}</Badge>;
}
