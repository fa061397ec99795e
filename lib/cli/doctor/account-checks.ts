import type { TargetOptions } from '../target.ts';
import { examine, type Finding } from './finding.ts';

/** Concurrent executions below which a service with many clients soon is throttled. */
const fewExecutions = 1_000;

/** What the account allows: read from AWS, so not for the local service and emulators. */
export async function checkAccount({ region, endpoint }: TargetOptions): Promise<Finding[]> {
  const checks = ['concurrency of the account'] as const;
  if (endpoint !== undefined)
    return checks.map((check) => ({ check, status: 'skipped', detail: 'an emulator has no quotas' }));
  return [
    await examine(
      checks[0],
      'Ask for 1,000 (Service Quotas → AWS Lambda → Concurrent executions)',
      async () => {
        const { LambdaClient, GetAccountSettingsCommand } = await import('@aws-sdk/client-lambda');
        const client = new LambdaClient(region === undefined ? {} : { region });
        try {
          const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
          const executions = AccountLimit?.ConcurrentExecutions ?? 0;
          if (executions < fewExecutions) throw new Error(`only ${executions} executions at once`);
          return `${executions} executions at once`;
        } finally {
          client.destroy();
        }
      },
    ),
  ];
}
