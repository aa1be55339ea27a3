import { defineConfig } from 'vitest/config'

/**
 * `fast` is what `npm test` runs: no root, no packages beyond npm's. `architecture` is the part of it that `npm run check`
 * needs. `clients` drives real container runtimes, wants root and Debian's packages, and is called by `.ci/run`.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,property,conformance,integration,architecture}/**/*.test.ts'],
          globalSetup: ['test/helpers/left-out.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'architecture', include: ['test/architecture/**/*.test.ts'] } },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
