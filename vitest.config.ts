import { defineConfig } from 'vitest/config'

/** Where `.ci/run` wants the runner's count to be written. */
const report = process.env.DAMSELFLY_TEST_REPORT

/**
 * `fast` is what `npm test` runs: no root, no packages beyond npm's. `architecture` is the part of it that `npm run check`
 * needs. `long` is what takes more than seconds. `chaos` breaks a cluster for three minutes, as root. `clients` drives real container runtimes, wants root and Debian's packages. `.ci/run` calls them all.
 */
export default defineConfig({
  test: {
    // Most of the time is spent waiting: for deadlines, processes, throttled registries. Two workers keep half of two processors busy.
    maxWorkers: 3,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,property,conformance,integration,architecture,simulation}/**/*.test.ts'],
          globalSetup: ['test/helpers/left-out.ts', 'test/helpers/built-programs.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'architecture', include: ['test/architecture/**/*.test.ts'] } },
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          globalSetup: ['test/helpers/built-programs.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'] } },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: ['test/helpers/built-programs.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
