import { fileURLToPath } from 'node:url';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

const stub = (name: string): string => fileURLToPath(new URL(`./stubs/${name}`, import.meta.url));

/**
 * Clients that are taken from the SDK in Lambda's runtime: only deployments with an event bus load this one, with their
 * first event, and inside the bundle it would cost all others 50 KB.
 */
export const fromRuntime = ['@aws-sdk/client-eventbridge'] as const;

/**
 * How functions are bundled. Every choice is for the cold start: CommonJS loads as fast as ESM or faster; the
 * SDK is bundled because its tree-shaken part loads in half the time of the runtime's whole one (`mainFields`
 * picks its ES modules, which can be shaken at all); the aliases drop code that cannot run in these functions.
 */
export const bundling: BundlingOptions = {
  format: OutputFormat.CJS,
  minify: true,
  mainFields: ['module', 'main'],
  externalModules: [...fromRuntime],
  bundleAwsSDK: true,
  logLevel: LogLevel.WARNING,
  esbuildArgs: {
    '--alias:@aws-sdk/credential-provider-node': stub('credential-provider-node.ts'),
    '--alias:@aws-sdk/endpoint-cache': stub('endpoint-cache.ts'),
    '--alias:@smithy/core/event-streams': stub('event-streams.ts'),
    '--alias:debug': stub('debug.cjs'),
    '--alias:readable-stream': 'node:stream',
    '--legal-comments': 'none',
  },
};
