import type { AdminClient } from './admin-client.ts';
import { adminApi, resolveTarget, type TargetOptions } from './target.ts';

/** The admin API of the target. */
export async function apiOf(options: TargetOptions): Promise<AdminClient> {
  const target = resolveTarget(options);
  return adminApi(target, await target.connect());
}

/** Encodes spaces as %20: in the string that API Gateway signs, `+` is not a space. */
export function query(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}
