/** Counts what vitest reports, so that nothing that did not run passes for a success. */
import { z } from 'zod'

export type Tally = Readonly<{ passed: number; failed: number }>

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
})

/**
 * `report`: vitest's JSON report, null if there is none. A skipped or unfinished test counts as failed, and so do a
 * file that could not be run and a run that failed beyond its tests (`succeeded` false), one each.
 */
export function countTests(report: string | null, succeeded: boolean): Tally {
  if (report === null) return { passed: 0, failed: 1 }
  const { testResults } = reportSchema.parse(JSON.parse(report))
  const statuses = testResults.flatMap((file) => file.assertionResults.map((result) => result.status))
  const passed = statuses.filter((status) => status === 'passed').length
  const brokenFiles = testResults.filter(
    (file) => file.status !== 'passed' && file.assertionResults.every((result) => result.status === 'passed'),
  ).length
  const failed = statuses.length - passed + brokenFiles
  return { passed, failed: failed === 0 && !succeeded ? 1 : failed }
}
