import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { __SDK_VERSION__: '"0.0.0-test"', __FULL__: 'true' },
  test: {
    include: ['test/**/*.test.ts'],
    // A page's load, its early report and its final one, on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxConcurrency: 4,
    // A machine that does other things as well may be late once; make test-js-full allows nothing.
    retry: process.env.TEST_JS_FULL ? 0 : 1,
  },
});
