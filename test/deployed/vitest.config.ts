import { defineConfig } from 'vitest/config';

/** The suite against a deployed stack; not a part of `npm test`. See docs/localstack.md. */
export default defineConfig({
  test: {
    include: ['test/deployed/*.e2e.ts'],
    globalSetup: ['test/deployed/setup.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One emulator serves all files, and each of them is sure of its own tenants only.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
