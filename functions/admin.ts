import { administer } from '../lib/admin/index.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type HttpApiResult, httpApiEvent, httpApiResult } from '../lib/aws/http-events.ts';

/** The admin API, behind the IAM authorisation of its routes. */
export function createAdminHandler(service: () => Pick<FunctionService, 'adminContext' | 'flush'>) {
  return async (event: unknown): Promise<HttpApiResult> => {
    const { adminContext, flush } = service();
    try {
      return httpApiResult(await administer(adminContext, httpApiEvent(event)));
    } finally {
      await flush();
    }
  };
}

export const handler = createAdminHandler(functionService);
