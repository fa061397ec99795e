import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type HttpApiResult, httpApiEvent, httpApiResult } from '../lib/aws/http-events.ts';
import { publishOverHttp } from '../lib/http/publish.ts';

/** Publishing over HTTP. The function verifies the tenant's token. */
export function createPublishHandler(service: () => Pick<FunctionService, 'context' | 'flush'>) {
  return async (event: unknown): Promise<HttpApiResult> => {
    const { context, flush } = service();
    try {
      return httpApiResult(await publishOverHttp(context, httpApiEvent(event)));
    } finally {
      await flush();
    }
  };
}

export const handler = createPublishHandler(functionService);
