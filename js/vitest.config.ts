import { defineConfig } from 'vitest/config';

/** Tests of what takes how long: nothing runs beside them. */
const PUNCTUAL = ['routes', 'softVitals', 'transactions', 'vitals'].map((name) => `test/e2e/${name}.test.ts`);

export default defineConfig({
  define: { __SDK_VERSION__: '"0.0.0-test"', __FULL__: 'true' },
  test: {
    // A page's load, its early report and its final one, on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxConcurrency: 4,
    // A machine that does other things as well may be late once; make test-js-full allows nothing.
    retry: process.env.TEST_JS_FULL ? 0 : 1,
    projects: [
      {
        extends: true,
        test: {
          name: 'patient',
          include: ['test/**/*.test.ts'],
          exclude: PUNCTUAL,
          // Most of a test is waiting.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'punctual', include: PUNCTUAL, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
