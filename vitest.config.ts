import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'assembly/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 180_000,
    maxWorkers: 2,
    reporters: ['default', './test/summary_reporter.ts'],
  },
});
