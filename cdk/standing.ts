import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** States of a stack whose first deployment has not succeeded. */
const unborn = /^(REVIEW_IN_PROGRESS|CREATE_|ROLLBACK_|DELETE_)/;

/**
 * Whether the stack has once been deployed completely. `true` also where that cannot be seen: the
 * protection of a stack must not end because a permission is missing.
 */
export async function stackStands(stackName: string, region: string | undefined): Promise<boolean> {
  const client = new CloudFormationClient(region === undefined ? {} : { region });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    return Stacks.some(({ StackStatus = '' }) => standing(StackStatus));
  } catch (error) {
    return !/does not exist/.test(String(error));
  } finally {
    client.destroy();
  }
}

/** @param status of CloudFormation, for example `UPDATE_ROLLBACK_COMPLETE`. */
export function standing(status: string): boolean {
  return status === 'CREATE_COMPLETE' || !unborn.test(status);
}
