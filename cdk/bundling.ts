import { fileURLToPath } from 'node:url';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

const stub = (name: string): string => fileURLToPath(new URL(`./stubs/${name}`, import.meta.url));

/**
 * The SDK client that comes from Lambda's runtime instead of the bundle. Only deployments with an
 * event bus load it, with their first event; in the bundle it would cost all others 50 KB.
 */
export const fromRuntime = ['@aws-sdk/client-eventbridge'] as const;

/**
 * Modules that the bundles get in place of others: these drop code that cannot run in the
 * functions.
 */
export const aliases = {
  '@aws-sdk/credential-provider-node': stub('credential-provider-node.ts'),
  '@aws-sdk/endpoint-cache': stub('endpoint-cache.ts'),
  '@smithy/core/event-streams': stub('event-streams.ts'),
  debug: stub('debug.cjs'),
  'readable-stream': 'node:stream',
} as const;

/** ES modules of the SDK can be tree-shaken, its CommonJS modules cannot. */
export const mainFields = ['module', 'main'] as const;

/**
 * How functions are bundled. Every choice shortens the cold start. CommonJS loads as fast as ESM or
 * faster. The SDK is bundled because its tree-shaken part loads in half the time of the runtime's
 * whole SDK.
 */
export const bundling: BundlingOptions = {
  format: OutputFormat.CJS,
  minify: true,
  mainFields: [...mainFields],
  externalModules: [...fromRuntime],
  bundleAwsSDK: true,
  logLevel: LogLevel.WARNING,
  esbuildArgs: {
    ...Object.fromEntries(Object.entries(aliases).map(([name, path]) => [`--alias:${name}`, path])),
    '--legal-comments': 'none',
  },
};
