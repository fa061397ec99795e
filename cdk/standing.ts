import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** States of a stack whose first deployment has not succeeded. */
const unborn = /^(REVIEW_IN_PROGRESS|CREATE_|ROLLBACK_|DELETE_)/;

/** What is known of a stack before it is deployed. */
export interface FoundStack {
  /**
   * Whether the stack has once been deployed completely. `true` also where that cannot be seen: the
   * protection of a stack must not end because a permission is missing.
   */
  readonly stands: boolean;
  /** Output `ExistingTables`: the setting `tables` of its last deployment, if it had one. */
  readonly existingTables?: string;
}

export async function findStack(stackName: string, region: string): Promise<FoundStack> {
  const client = new CloudFormationClient({ region });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const existingTables = Stacks[0]?.Outputs?.find(
      ({ OutputKey }) => OutputKey === 'ExistingTables',
    )?.OutputValue;
    return {
      stands: Stacks.some(({ StackStatus = '' }) => standing(StackStatus)),
      ...(existingTables === undefined ? {} : { existingTables }),
    };
  } catch (error) {
    return { stands: !/does not exist/.test(String(error)) };
  } finally {
    client.destroy();
  }
}

/** @param status of CloudFormation, for example `UPDATE_ROLLBACK_COMPLETE`. */
export function standing(status: string): boolean {
  return status === 'CREATE_COMPLETE' || !unborn.test(status);
}
