import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { banSchema } from '../../lib/admin/bans.ts';
import { observerSchema } from '../../lib/admin/observers.ts';
import { revocationSchema } from '../../lib/admin/revoke.ts';
import { redriveSchema } from '../../lib/admin/rule-failures.ts';
import { testedMessageSchema, testedRuleSchema } from '../../lib/admin/rule-test.ts';
import { unusedShapesSchema } from '../../lib/admin/shapes.ts';
import { tokenCheckSchema } from '../../lib/admin/token-check.ts';
import { traceSchema } from '../../lib/admin/trace.ts';
import { newIssuerSchema, newTenantSchema } from '../../lib/auth/index.ts';
import { tenantQuotasSchema } from '../../lib/core/quotas.ts';
import { batchSchema, clientMessageSchema } from '../../lib/http/publish-request.ts';
import { ruleSecretSchema } from '../../lib/http/rule-secret.ts';
import { newRuleSchema } from '../../lib/rules/check-rule.ts';

/** JSON Schema leaves checks by functions out. */
const options: ConversionConfig = { errorMode: 'ignore', target: 'draft-2020-12' };

/**
 * The request bodies in components.schemas of docs/openapi.json, from the schemas that check them.
 */
export const requestSchemas: Readonly<Record<string, object>> = {
  Quotas: {
    ...converted(tenantQuotasSchema),
    description:
      'An absent quota is the default of the service. docs/quotas.md has units, answers and errors.',
  },
  NewIssuer: { ...converted(newIssuerSchema), description: 'An issuer of tokens. See docs/tokens.md.' },
  NewTenant: withReferences(converted(newTenantSchema)),
  Revocation: converted(revocationSchema),
  NewObserver: converted(observerSchema),
  NewTrace: converted(traceSchema),
  NewBan: converted(banSchema),
  TokenToCheck: converted(tokenCheckSchema),
  UnusedShapes: converted(unusedShapesSchema),
  Batch: converted(batchSchema),
  ClientMessage: converted(clientMessageSchema),
  NewRule: {
    ...converted(newRuleSchema({ local: true })),
    description:
      'A rule (docs/rules.md). Deployments take only `https:` URLs, and no modules in place of Lambda functions.',
  },
  RuleToTest: { ...converted(testedRuleSchema), description: 'A rule as in NewRule, and a message.' },
  MessageToTest: converted(testedMessageSchema),
  RuleSecret: converted(ruleSecretSchema),
  Redrive: converted(redriveSchema),
};

function converted(schema: GenericSchema): Readonly<Record<string, unknown>> {
  const { $schema: _, ...converted } = toJsonSchema(schema, options);
  return converted;
}

function withReferences(newTenant: Readonly<Record<string, unknown>>): object {
  const { issuers } = newTenant.properties as { readonly issuers: object };
  return {
    ...newTenant,
    properties: {
      issuers: { ...issuers, items: { $ref: '#/components/schemas/NewIssuer' } },
      quotas: { $ref: '#/components/schemas/Quotas' },
    },
  };
}
