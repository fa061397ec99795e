import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Vitest leaves one processor to itself, which it hardly uses: half of a small machine.
    maxWorkers: availableParallelism(),
    globalSetup: ['test/support/skipped-tests.ts'],
    // The SDK's note that Node 20 is to lose support in 2027: users still have it.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
