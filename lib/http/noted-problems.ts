import type { Context } from '../core/context.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { Problem } from './problem.ts';

/** Who makes a request, as far as the token has been verified. */
export interface Caller {
  tenant?: TenantId;
  clientId?: string;
}

/** Notes each {@link Problem} with which `serve` refuses a request of a tenant's user. */
export async function notingProblems<T>(context: Context, serve: (caller: Caller) => Promise<T>): Promise<T> {
  const caller: Caller = {};
  try {
    return await serve(caller);
  } catch (error) {
    if (error instanceof Problem) noteRefusal(context, { ...caller, code: error.notedAs, what: 'request' });
    throw error;
  }
}
