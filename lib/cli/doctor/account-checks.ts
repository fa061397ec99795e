import type { TargetOptions } from '../target.ts';
import { examine, type Finding } from './finding.ts';

/** Concurrent executions below which a service with many clients soon is throttled. */
const fewExecutions = 1_000;

/** API Gateway's quota in most regions; 2,500 in 13 newer ones. */
const usualRequestsPerSecond = 10_000;

/** What the account allows: read from AWS, so not for the local service and emulators. */
export async function checkAccount({ region, endpoint }: TargetOptions): Promise<Finding[]> {
  if (endpoint !== undefined)
    return [{ check: 'quotas of the account', status: 'skipped', detail: 'an emulator has none' }];
  const client = region === undefined ? {} : { region };
  const concurrency = await examine(
    'concurrency of the account',
    'Ask for 1,000 (Service Quotas → AWS Lambda → Concurrent executions)',
    async () => {
      const { LambdaClient, GetAccountSettingsCommand } = await import('@aws-sdk/client-lambda');
      const lambda = new LambdaClient(client);
      try {
        const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
        const executions = AccountLimit?.ConcurrentExecutions ?? 0;
        if (executions < fewExecutions) throw new Error(`only ${executions} executions at once`);
        return `${executions} executions at once`;
      } finally {
        lambda.destroy();
      }
    },
  );
  return [concurrency, ...(await checkApiGateway(client))];
}

/** `GetAccount` tells both, so Service Quotas need not be asked. */
async function checkApiGateway(clientOptions: { readonly region?: string }): Promise<Finding[]> {
  const { APIGatewayClient, GetAccountCommand } = await import('@aws-sdk/client-api-gateway');
  const client = new APIGatewayClient(clientOptions);
  let role: string | undefined;
  try {
    const requests = await examine(
      'requests of the account',
      'Your AWS identity needs apigateway:GET on /account (docs/first-deployment.md)',
      async () => {
        const { cloudwatchRoleArn, throttleSettings } = await client.send(new GetAccountCommand({}));
        role = cloudwatchRoleArn;
        const { rateLimit = 0, burstLimit = 0 } = throttleSettings ?? {};
        return (
          `API Gateway gives ${rateLimit} a second, ${burstLimit} at once` +
          (rateLimit === usualRequestsPerSecond
            ? ''
            : ` (deploy with -c accountRequestsPerSecond=${rateLimit})`)
        );
      },
    );
    if (requests.status === 'failed') return [requests];
    return [requests, logRoleFinding(role)];
  } finally {
    client.destroy();
  }
}

function logRoleFinding(role: string | undefined): Finding {
  const check = "API Gateway's role for logs";
  if (role !== undefined) return { check, status: 'ok', detail: role };
  return {
    check,
    status: 'skipped',
    detail: 'the account has none, so there is no access log',
    advice: 'For one, deploy with -c accessLog=true: the stack then sets a role',
  };
}
