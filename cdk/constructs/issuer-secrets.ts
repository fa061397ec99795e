import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ServiceFunction } from './service-function.ts';

/** Names of secrets in Secrets Manager that issuers may refer to begin so. */
const issuerSecretPrefix = 'wisp/';

/**
 * Lets `target` read the secrets of tenants' issuers (docs/tokens.md): those whose names begin with `wisp/`, and no
 * other secret of the account. Tenants are made after the deployment, so their secrets have no names yet.
 */
export function grantReadIssuerSecrets(target: ServiceFunction): void {
  const resourceName = `${issuerSecretPrefix}*`;
  target.addToRolePolicy(
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      resources: [
        Stack.of(target).formatArn({
          service: 'secretsmanager',
          resource: 'secret',
          resourceName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
  );
  const finding = `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${resourceName}`;
  Validations.of(target.executionRole).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${finding}]`,
    reason: 'Secrets of tenants that are made after the deployment: all under one prefix, and no others.',
  });
}
