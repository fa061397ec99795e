import { administer } from '../lib/admin/index.ts';
import { functionRuleParts } from '../lib/aws/function-rule-parts.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type HttpApiResult, httpApiEvent, httpApiResult } from '../lib/aws/http-events.ts';
import type { RuleParts } from '../lib/http/rule-resource.ts';

/** The admin API, behind the IAM authorisation of its routes. */
export function createAdminHandler(
  service: () => Pick<FunctionService, 'adminContext' | 'flush'>,
  ruleParts: () => RuleParts,
) {
  return async (event: unknown): Promise<HttpApiResult> => {
    const { adminContext, flush } = service();
    try {
      return httpApiResult(await administer({ ...adminContext, ...ruleParts() }, httpApiEvent(event)));
    } finally {
      await flush();
    }
  };
}

export const handler = createAdminHandler(functionService, functionRuleParts);
