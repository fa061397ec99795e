import { fileURLToPath } from 'node:url';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

const stub = (name: string): string => fileURLToPath(new URL(`./stubs/${name}`, import.meta.url));

/**
 * SDK clients that come from Lambda's runtime instead of the bundles. Few deployments have an event
 * bus, or rules with these targets, and each client is loaded when the first one needs it; in the
 * bundles all others would pay for them: 50 KB and more each.
 */
export const fromRuntime = [
  '@aws-sdk/client-eventbridge',
  '@aws-sdk/client-firehose',
  '@aws-sdk/client-kinesis',
  '@aws-sdk/client-lambda',
  '@aws-sdk/client-sns',
  '@aws-sdk/client-sts',
] as const;

/**
 * Modules that the bundles get in place of others: these drop code that cannot run in the
 * functions.
 */
export const aliases = {
  '@aws-sdk/credential-provider-node': stub('credential-provider-node.ts'),
  // The same with its WebAssembly inside, which the other one reads from a file.
  '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled',
  '@aws-sdk/endpoint-cache': stub('endpoint-cache.ts'),
  '@smithy/core/event-streams': stub('event-streams.ts'),
  debug: stub('debug.cjs'),
  'readable-stream': 'node:stream',
} as const;

/** The client of Kafka makes a `require` from it; a bundle in CommonJS has none. */
export const define = { 'import.meta.url': '__filename' } as const;

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
  define: { ...define },
  logLevel: LogLevel.WARNING,
  esbuildArgs: {
    ...Object.fromEntries(Object.entries(aliases).map(([name, path]) => [`--alias:${name}`, path])),
    '--legal-comments': 'none',
  },
};
