import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Grantee } from './grantee.ts';

interface SecretsByPrefix {
  readonly prefix: string;
  /** Of Secrets Manager, such as `GetSecretValue`. */
  readonly actions: readonly string[];
  /** What the secrets are, for those who check the wildcard. */
  readonly whose: string;
}

/**
 * Grants actions on all secrets whose names begin with a prefix: those that are made after the
 * deployment, so that their names are not known.
 */
export function grantSecretsByPrefix(target: Grantee, { prefix, actions, whose }: SecretsByPrefix): void {
  const resourceName = `${prefix}*`;
  target.addToRolePolicy(
    new PolicyStatement({
      actions: actions.map((action) => `secretsmanager:${action}`),
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
    reason: `Secrets of ${whose} that are made after the deployment: all under one prefix, and no others.`,
  });
}
