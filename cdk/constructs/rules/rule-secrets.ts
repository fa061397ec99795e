import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Grantee } from '../grantee.ts';

/** Prefix of the names that lib/core/rule-secrets.ts makes. */
const ruleSecretPrefix = 'wisp/rules/';

const actions = {
  read: ['GetSecretValue'],
  write: ['GetSecretValue', 'CreateSecret', 'PutSecretValue', 'DeleteSecret'],
} as const;

/**
 * Allows `target` to read or write the secrets of rules: those whose names begin with
 * `wisp/rules/`. Rules are made after the deployment, so the names are not known.
 */
export function grantRuleSecrets(target: Grantee, access: keyof typeof actions): void {
  const resourceName = `${ruleSecretPrefix}*`;
  target.addToRolePolicy(
    new PolicyStatement({
      actions: actions[access].map((action) => `secretsmanager:${action}`),
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
    reason: 'Secrets of rules that are made after the deployment: all under one prefix, and no others.',
  });
}
