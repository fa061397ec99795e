import { defineConfig } from 'vitest/config';

/** Suite for a deployed stack, which `npm test` does not run. See docs/localstack.md. */
export default defineConfig({
  test: {
    include: ['test/deployed/*.e2e.ts'],
    globalSetup: ['test/deployed/setup.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One emulator serves all files one after another, to keep its load low.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
