import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Grantee } from './grantee.ts';

/** Prefix of the names of secrets in Secrets Manager that issuers may refer to. */
const issuerSecretPrefix = 'wisp/';

/**
 * Allows `target` to read the secrets of tenants' issuers (docs/tokens.md): those whose names begin
 * with `wisp/`. Tenants are created after the deployment, so the names are not known.
 */
export function grantReadIssuerSecrets(target: Grantee): void {
  const resourceName = `${issuerSecretPrefix}*`;
  target.addToRolePolicy(
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      resources: [
        Stack.of(target.grants).formatArn({
          service: 'secretsmanager',
          resource: 'secret',
          resourceName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
  );
  const finding = `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${resourceName}`;
  Validations.of(target.grants).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${finding}]`,
    reason: 'Secrets of tenants that are made after the deployment: all under one prefix, and no others.',
  });
}
