/**
 * Source of the function behind `LogRole`, at most 4,096 characters, because it is part of the
 * template. It looks at the account first and never replaces a role, so it may run twice. IAM makes
 * a new role known with a delay, so it tries again for a minute. It always answers CloudFormation,
 * which otherwise waits for an hour.
 */
export const setLogRoleSource = `
const { APIGatewayClient, GetAccountCommand, UpdateAccountCommand } = require('@aws-sdk/client-api-gateway');
async function setWhereAbsent(client, roleArn) {
  for (let attempt = 1; ; attempt += 1) {
    const { cloudwatchRoleArn } = await client.send(new GetAccountCommand({}));
    if (cloudwatchRoleArn) return cloudwatchRoleArn;
    const patchOperations = [{ op: 'replace', path: '/cloudwatchRoleArn', value: roleArn }];
    try {
      await client.send(new UpdateAccountCommand({ patchOperations }));
      return roleArn;
    } catch (error) {
      if (attempt === 12) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5000));
    }
  }
}
exports.handler = async (event) => {
  const answer = {
    Status: 'SUCCESS',
    PhysicalResourceId: 'api-gateway-log-role',
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
  };
  try {
    if (event.RequestType !== 'Delete') {
      const role = await setWhereAbsent(new APIGatewayClient({}), event.ResourceProperties.RoleArn);
      answer.Data = { RoleArn: role };
    }
  } catch (error) {
    console.error(error);
    answer.Status = 'FAILED';
    answer.Reason = 'API Gateway log role: ' + error.message;
  }
  await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify(answer) });
};
`;
