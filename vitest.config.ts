import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tests/setup/longest-first.ts'

/** Integration and end-to-end tests start real servers; two cores are what a test run may count on. */
const withServers = { globalSetup: ['tests/setup/backing-services.ts'], testTimeout: 60_000, hookTimeout: 120_000 }

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // A forgotten `.only` must not pass for a whole run.
    allowOnly: false,
    projects: [
      { extends: true, test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 120_000 } },
      { extends: true, test: { name: 'integration', include: ['tests/integration/**/*.test.ts'], ...withServers } },
      {
        extends: true,
        test: {
          name: 'adversarial',
          include: ['tests/adversarial/**/*.test.ts'],
          ...withServers,
          globalSetup: [...withServers.globalSetup, 'tests/adversarial/summary.ts'],
          testTimeout: 240_000,
          // Most lies end in a time-out: many wait at once.
          maxConcurrency: 12,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          ...withServers,
          testTimeout: 180_000,
        },
      },
    ],
  },
})
