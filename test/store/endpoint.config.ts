import { defineConfig } from 'vitest/config';
import { endpointVariable } from './endpoint.ts';

if (!process.env[endpointVariable]) {
  process.stderr.write(
    `${endpointVariable} is not set: give the URL of a DynamoDB-compatible service, e.g. http://127.0.0.1:8000\n`,
  );
  process.exit(1);
}

/**
 * The contracts of the tables against a service instead of the embedded engine: `npm run
 * test:dynamodb-local`.
 */
export default defineConfig({
  test: {
    include: ['test/store/endpoint.contract.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
