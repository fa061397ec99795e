import type { TenantAdmin } from '../auth/index.ts';
import type { AwsClientOptions } from '../aws/settings.ts';
import { commandName } from '../local/operator/command-name.ts';
import { keyDirectory, wispHome } from '../local/operator/home.ts';
import { type LocalState, localStateDirectory, readLocalStates } from '../local/operator/local-state.ts';
import { exitCodes, UserError } from '../local/operator/user-error.ts';
import { type AdminClient, createAdminClient } from './admin-client.ts';
import { emulatedUrl } from './emulated-url.ts';

/** Selects a deployment. Without `stack` and `tenantsTable`: this user's local service. */
export interface TargetOptions {
  /** CloudFormation stack. Its outputs name the table and the URLs. */
  readonly stack?: string;
  /** Port of the gateway of a local service, where this user runs several. */
  readonly localPort?: number;
  readonly tenantsTable?: string;
  /** Default: AWS_REGION or the profile's. */
  readonly region?: string;
  /** Endpoint of an AWS emulator. */
  readonly endpoint?: string;
}

export interface Target {
  readonly isLocal: boolean;
  /** Name in messages: "the local service", "stack Wisp". */
  readonly label: string;
  /** Directory of its tenants' private keys. Each deployment has its own. */
  readonly keyDirectory: string;
  /** Finds the Tenants table and the URLs. Only this needs the network. */
  connect(): Promise<Connection>;
}

export interface Connection {
  readonly admin: TenantAdmin;
  /** Absent if the deployment does not tell its URL. */
  readonly api?: AdminClient;
  /** URL of the WebSocket API, if known. */
  readonly webSocketUrl?: string;
  /** URL of publishing over HTTP, if known. */
  readonly publishUrl?: string;
  /** SNS topic of the alarms; absent if the stack has none. */
  readonly alarmTopicArn?: string;
  /** ARNs and kinds that rules may send to; absent: the deployment does not tell. */
  readonly ruleTargets?: ReadonlySet<string>;
  /** Port of the bridge for stock MQTT over TCP, if there is one. */
  readonly mqttPort?: number;
}

/** @throws UserError `usage` if the options contradict each other or are malformed. */
export function resolveTarget(options: TargetOptions, environment: NodeJS.ProcessEnv = process.env): Target {
  const { stack, tenantsTable, endpoint, region, localPort } = options;
  const home = wispHome(environment);
  if (stack === undefined && tenantsTable === undefined) {
    if (endpoint !== undefined || region !== undefined) {
      throw new UserError('usage', '--endpoint and --region need a deployment: --stack or --tenants-table', {
        exitCode: exitCodes.usage,
      });
    }
    return {
      isLocal: true,
      label: 'the local service',
      keyDirectory: keyDirectory(home),
      connect: () => connectLocally(home, localPort),
    };
  }
  if (localPort !== undefined) {
    throw new UserError('usage', '--local-port is of a local service, not of a deployment', {
      exitCode: exitCodes.usage,
    });
  }
  // Both become directory names.
  if (stack !== undefined && !/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(stack)) {
    throw new UserError('usage', '--stack: letters, digits and "-", beginning with a letter', {
      exitCode: exitCodes.usage,
    });
  }
  if (tenantsTable !== undefined && !/^[A-Za-z0-9_.-]{3,255}$/.test(tenantsTable)) {
    throw new UserError('usage', '--tenants-table: 3 to 255 letters, digits, "_", "." and "-"', {
      exitCode: exitCodes.usage,
    });
  }
  const client = clientOptions(options, environment);
  return {
    isLocal: false,
    label: stack === undefined ? `table ${tenantsTable}` : `stack ${stack}`,
    keyDirectory: keyDirectory(home, stack === undefined ? `table-${tenantsTable}` : `stack-${stack}`),
    async connect() {
      const outputs = stack === undefined ? {} : await readOutputs(stack, client);
      const table = tenantsTable ?? outputs.TenantsTableName;
      if (table === undefined) {
        throw new UserError(
          'stack-unknown',
          `stack ${stack} has no output TenantsTableName; is it a Wisp stack?`,
        );
      }
      const { WebSocketUrl: webSocketUrl, AdminUrl: adminUrl, PublishUrl: publishUrl } = outputs;
      const { AlarmTopicArn: alarmTopicArn, RuleTargets: ruleTargets } = outputs;
      return {
        admin: await openTable(client, table),
        ...(adminUrl === undefined
          ? {}
          : { api: await signedClient(emulatedUrl(adminUrl, endpoint), client) }),
        // Emulators have no usable WebSocket data plane.
        ...(webSocketUrl === undefined || endpoint !== undefined ? {} : { webSocketUrl }),
        ...(publishUrl === undefined ? {} : { publishUrl: emulatedUrl(publishUrl, endpoint) }),
        ...(alarmTopicArn === undefined ? {} : { alarmTopicArn }),
        ...(ruleTargets === undefined ? {} : { ruleTargets: new Set(ruleTargets.split(',')) }),
      };
    },
  };
}

/** What a stack tells of itself, and how to reach AWS. */
export interface Deployment {
  readonly outputs: Readonly<Record<string, string>>;
  readonly client: AwsClientOptions;
}

export async function readDeployment(
  stack: string,
  options: TargetOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Deployment> {
  const client = clientOptions(options, environment);
  return { client, outputs: await readOutputs(stack, client) };
}

async function connectLocally(home: string, localPort: number | undefined): Promise<Connection> {
  const state = selectService(await readLocalStates(home), home, localPort);
  const { localCredentials } = await import('../aws/settings.ts');
  const client = { endpoint: state.endpoint, region: 'local', credentials: localCredentials };
  const { webSocketUrl, mqttPort, adminUrl } = state;
  return {
    admin: await openTable(client, state.tables.tenants),
    ...(adminUrl === undefined ? {} : { api: createAdminClient(adminUrl) }),
    webSocketUrl,
    ...(mqttPort === undefined ? {} : { mqttPort }),
  };
}

/** @throws UserError `no-service`, `several-services` */
function selectService(
  running: readonly LocalState[],
  home: string,
  localPort: number | undefined,
): LocalState {
  const fitting = running.filter(
    ({ webSocketUrl }) => localPort === undefined || webSocketUrl.includes(`:${localPort}/`),
  );
  const [state, ...others] = fitting;
  if (state === undefined) {
    const where =
      localPort === undefined || running.length === 0
        ? `no local service is running (${localStateDirectory(home)} names none)`
        : `no local service has the gateway port ${localPort}: ${listed(running)}`;
    throw new UserError(
      'no-service',
      `${where}; start one with "${commandName()} start", or select a deployment with --stack`,
    );
  }
  if (others.length > 0) {
    throw new UserError(
      'several-services',
      `several local services are running; select one with --local-port: ${listed(fitting)}`,
    );
  }
  return state;
}

function listed(services: readonly LocalState[]): string {
  return services.map(({ webSocketUrl, pid }) => `${webSocketUrl} (process ${pid})`).join(', ');
}

/** @throws UserError `no-admin-api` if only the Tenants table is known. */
export function adminApi(target: Target, { api }: Connection): AdminClient {
  if (api !== undefined) return api;
  throw new UserError(
    'no-admin-api',
    `${target.label} does not tell where its admin API is, which this command needs; use --stack`,
  );
}

/** @throws UserError `usage` if the deployment does not tell its URL. */
export function webSocketUrlOf(target: Target, { webSocketUrl }: Connection, given?: string): string {
  const url = given ?? webSocketUrl;
  if (url !== undefined) return url;
  throw new UserError(
    'usage',
    `${target.label} does not tell its WebSocket URL; give it with --url wss://…`,
    { exitCode: exitCodes.usage },
  );
}

export function unknownTenant(name: string, target: Target): UserError {
  return new UserError('tenant-unknown', `there is no tenant ${name} in ${target.label}`);
}

async function signedClient(adminUrl: string, options: AwsClientOptions): Promise<AdminClient> {
  const { createSigner } = await import('./sign.ts');
  return createAdminClient(adminUrl, createSigner(adminUrl, options.region, options.credentials));
}

/** Emulators on this machine accept any credentials and region; AWS needs real ones. */
export function clientOptions(
  { endpoint, region }: TargetOptions,
  environment: NodeJS.ProcessEnv = process.env,
): AwsClientOptions {
  const options = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
  const onThisMachine = endpoint !== undefined && /^https?:\/\/(localhost|127\.|\[::1\])/.test(endpoint);
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION } = environment;
  if (!onThisMachine || AWS_ACCESS_KEY_ID !== undefined || AWS_PROFILE !== undefined) return options;
  return {
    region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1',
    ...options,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
}

async function openTable(options: AwsClientOptions, tableName: string): Promise<TenantAdmin> {
  const [{ createDynamoClient }, { createTenantStore }] = await Promise.all([
    import('../aws/dynamodb.ts'),
    import('../store/tenants.ts'),
  ]);
  return createTenantStore(createDynamoClient(options), tableName, Date.now);
}

async function readOutputs(stack: string, options: AwsClientOptions): Promise<Record<string, string>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const { endpoint, region, credentials } = options;
  const client = new CloudFormationClient({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return Object.fromEntries(
      outputs.flatMap(({ OutputKey, OutputValue }) =>
        OutputKey === undefined || OutputValue === undefined ? [] : [[OutputKey, OutputValue]],
      ),
    );
  } finally {
    client.destroy();
  }
}
