import { defineConfig } from 'vitest/config';

/** Needs a package registry, and is therefore not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/client/consumers/*.e2e.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
