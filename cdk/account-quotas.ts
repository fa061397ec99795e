import type { FunctionName, RouteName, StageSettings } from './settings.ts';

/**
 * Where API Gateway's default quota is 2,500 requests per second instead of 10,000.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 */
const newerRegions: ReadonlySet<string> = new Set([
  'af-south-1',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-west-1',
  'eu-central-2',
  'eu-south-1',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
  'mx-central-1',
]);

/** @param region may be a token of the CDK; the quota is then that of most regions. */
export function defaultRequestsPerSecond(region: string): number {
  return newerRegions.has(region) ? 2_500 : 10_000;
}

export interface Throttle {
  /** Requests per second. */
  readonly rateLimit: number;
  /** Requests at once. */
  readonly burstLimit: number;
}

/**
 * The throttle of a route: its share of the account's quota. The burst is half of the rate, as that
 * of the account is.
 * @param region where the stage is, or a token of the CDK.
 */
export function routeThrottle(
  { accountRequestsPerSecond, routeShares }: StageSettings,
  region: string,
  route: RouteName,
): Throttle {
  const quota = accountRequestsPerSecond ?? defaultRequestsPerSecond(region);
  const rateLimit = Math.max(1, Math.floor(quota * routeShares[route]));
  return { rateLimit, burstLimit: Math.ceil(rateLimit / 2) };
}

/**
 * Concurrency that AWS keeps for functions without a reservation.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
const minUnreserved = 100;

/** Smallest concurrency of an account of which parts are reserved. New accounts have 10. */
export const minAccountConcurrency = 200;

/** Whether the settings ask for reservations that the account does not allow, or may not. */
export function lacksConcurrency({ reserveConcurrency, accountConcurrency }: StageSettings): boolean {
  return reserveConcurrency && (accountConcurrency ?? 0) < minAccountConcurrency;
}

/**
 * Executions of a function that no other can take, and its maximum; undefined: nothing is reserved.
 */
export function reservedConcurrency(settings: StageSettings, name: FunctionName): number | undefined {
  const { reserveConcurrency, accountConcurrency = 0, concurrencyShares } = settings;
  if (!reserveConcurrency || lacksConcurrency(settings)) return undefined;
  return Math.floor((accountConcurrency - minUnreserved) * concurrencyShares[name]);
}

/** Concurrent executions that an event source may ask of a function: no more than are reserved. */
export function eventSourceConcurrency(settings: StageSettings, name: FunctionName, wanted: number): number {
  return Math.min(wanted, reservedConcurrency(settings, name) ?? wanted);
}
