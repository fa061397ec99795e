import { fileURLToPath } from 'node:url';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

const stub = (name: string): string => fileURLToPath(new URL(`./stubs/${name}`, import.meta.url));

/**
 * How functions are bundled. Every choice is for the cold start: CommonJS loads as fast as ESM or faster; the
 * SDK is bundled because its tree-shaken part loads in half the time of the runtime's whole one (`mainFields`
 * picks its ES modules, which can be shaken at all); the aliases drop code that cannot run in Lambda.
 */
export const bundling: BundlingOptions = {
  format: OutputFormat.CJS,
  minify: true,
  mainFields: ['module', 'main'],
  externalModules: [],
  bundleAwsSDK: true,
  logLevel: LogLevel.WARNING,
  esbuildArgs: {
    '--alias:@aws-sdk/credential-provider-node': stub('credential-provider-node.ts'),
    '--alias:debug': stub('debug.cjs'),
    '--alias:readable-stream': 'node:stream',
    '--legal-comments': 'none',
  },
};
