import { localCredentials } from '../../aws/settings.ts';
import { fetchFailure } from '../fetch-failure.ts';
import { UserError } from '../operator/user-error.ts';

/**
 * Kind of emulator. docs/localstack.md tells the gaps of each. `other` is any other implementation
 * of AWS's protocols.
 */
export type EmulatorKind = 'ministack' | 'localstack' | 'other';

/** An emulator of AWS on one endpoint. */
export interface Emulator {
  /** URL without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly kind: EmulatorKind;
}

const defaultEndpoint = 'http://127.0.0.1:4566';

/** Account id that all emulators use. */
export const emulatorAccount = '000000000000';

const probeTimeoutMs = 5_000;

/**
 * Finds the emulator at `AWS_ENDPOINT_URL` (default {@link defaultEndpoint}) and detects its kind.
 *
 * @throws UserError `emulator` if nothing answers, or if the endpoint is AWS itself.
 */
export async function findEmulator(environment: NodeJS.ProcessEnv = process.env): Promise<Emulator> {
  const endpoint = endpointFrom(environment.AWS_ENDPOINT_URL || defaultEndpoint);
  const region = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || 'us-east-1';
  if (await answers(`${endpoint}/_ministack/health`)) return { endpoint, region, kind: 'ministack' };
  const kind = (await answers(`${endpoint}/_localstack/health`)) ? 'localstack' : 'other';
  return { endpoint, region, kind };
}

/**
 * Settings of AWS clients. The credentials are invented, so that no real ones reach an emulator.
 */
export function emulatorClientSettings({ endpoint, region }: Emulator) {
  return { endpoint, region, credentials: localCredentials };
}

function endpointFrom(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '')
    throw new UserError('emulator', `AWS_ENDPOINT_URL: "${text}" is not of the form ${defaultEndpoint}`);
  if (/(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(url.hostname))
    throw new UserError('emulator', 'AWS_ENDPOINT_URL is AWS itself; there, use "npx cdk deploy"');
  // S3 clients prefix the host with the bucket's name, and few resolvers know `bucket.localhost`.
  if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
  return url.origin;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    throw new UserError(
      'emulator',
      `nothing answers at ${new URL(url).origin} (${fetchFailure(error)}); start an emulator (docs/localstack.md) or set AWS_ENDPOINT_URL`,
    );
  }
}
