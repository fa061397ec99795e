import { functionRuleParts } from '../lib/aws/function-rule-parts.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type HttpApiResult, httpApiEvent, httpApiResult } from '../lib/aws/http-events.ts';
import { answerPages } from '../lib/http/cors.ts';
import { ownRulesMethods, serveOwnRules } from '../lib/http/own-rules.ts';
import type { RuleParts } from '../lib/http/rule-resource.ts';

/**
 * Rules of tenants' users. The function verifies the tenant's token. It is apart from that of
 * publishing, which must not be able to write rules and secrets.
 */
export function createOwnRulesHandler(
  service: () => Pick<FunctionService, 'context' | 'publishOrigins' | 'flush'>,
  ruleParts: () => RuleParts,
) {
  return async (event: unknown): Promise<HttpApiResult> => {
    const { context, publishOrigins, flush } = service();
    try {
      const request = httpApiEvent(event);
      return httpApiResult(
        await answerPages(ownRulesMethods, publishOrigins, request, () =>
          serveOwnRules({ ...context, ...ruleParts() }, request),
        ),
      );
    } finally {
      await flush();
    }
  };
}

export const handler = createOwnRulesHandler(functionService, functionRuleParts);
