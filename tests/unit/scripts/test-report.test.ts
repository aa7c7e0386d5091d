import { expect, test } from 'vitest'
import { countTests } from '../../../scripts/test-report.ts'

const report = (...files: readonly Readonly<{ status: string; tests: readonly string[] }>[]) =>
  JSON.stringify({
    testResults: files.map(({ status, tests }, index) => ({
      name: `file-${index}`,
      status,
      assertionResults: tests.map((testStatus) => ({ status: testStatus })),
    })),
  })

test('counts what passed and what failed', () => {
  const files = [{ status: 'passed', tests: ['passed', 'passed'] }, { status: 'failed', tests: ['passed', 'failed'] }]
  expect(countTests(report(...files), false)).toEqual({ passed: 3, failed: 1 })
})

test.for(['skipped', 'pending', 'todo'])('counts a test that is %s as failed', (status) => {
  expect(countTests(report({ status: 'passed', tests: ['passed', status] }), true)).toEqual({ passed: 1, failed: 1 })
})

test('counts a file that could not be loaded as failed', () => {
  expect(countTests(report({ status: 'failed', tests: [] }), false)).toEqual({ passed: 0, failed: 1 })
})

test('counts a run that failed outside of its tests as failed', () => {
  expect(countTests(report({ status: 'passed', tests: ['passed'] }), false)).toEqual({ passed: 1, failed: 1 })
})

test('counts a run without a report as failed', () => {
  expect(countTests(null, true)).toEqual({ passed: 0, failed: 1 })
})
