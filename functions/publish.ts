import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type HttpApiResult, httpApiEvent, httpApiResult } from '../lib/aws/http-events.ts';
import { answerPages } from '../lib/http/cors.ts';
import { publishOverHttp } from '../lib/http/publish.ts';

/** Publishing over HTTP. The function verifies the tenant's token. */
export function createPublishHandler(
  service: () => Pick<FunctionService, 'context' | 'publishOrigins' | 'flush'>,
) {
  return async (event: unknown): Promise<HttpApiResult> => {
    const { context, publishOrigins, flush } = service();
    try {
      const request = httpApiEvent(event);
      return httpApiResult(
        await answerPages('POST', publishOrigins, request, () => publishOverHttp(context, request)),
      );
    } finally {
      await flush();
    }
  };
}

export const handler = createPublishHandler(functionService);
