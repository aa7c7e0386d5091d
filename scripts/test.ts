/**
 * `npm test`: the static checks, then the unit, integration, adversarial and end-to-end tests. Arguments choose groups:
 * `npm test -- unit integration`. The last line is `N passed, N failed`: each static check and each test counts as one.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from '../src/cli/cache-folder.ts'
import { runStaticChecks } from './static-checks.ts'
import { countTests, type Tally } from './test-report.ts'

const groups = ['static', 'unit', 'integration', 'adversarial', 'e2e'] as const
type Group = (typeof groups)[number]

const root = fileURLToPath(new URL('..', import.meta.url))
const chosen = chooseGroups(process.argv.slice(2))

const tallies: Tally[] = []
if (chosen.includes('static')) tallies.push(runStaticChecks(root))
const projects = chosen.filter((group) => group !== 'static')
if (projects.length > 0) tallies.push(runVitest(projects))

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0)
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed`)

function chooseGroups(names: readonly string[]): readonly Group[] {
  const unknown = names.find((name) => !groups.some((group) => group === name))
  if (unknown !== undefined) {
    console.error(`no group of tests is called "${unknown}": ${groups.join(', ')}`)
    process.exit(2)
  }
  return names.length === 0 ? groups : groups.filter((group) => names.includes(group))
}

function runVitest(projects: readonly Group[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'mpc-test-report-'))
  try {
    const report = join(folder, 'report.json')
    const selection = projects.flatMap((project) => ['--project', project])
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const { status } = spawnSync(process.execPath, [vitest, 'run', ...selection, ...reporters], {
      cwd: root,
      stdio: 'inherit',
      // Each file of tests is a process of its own that loads the same packages.
      env: { NODE_COMPILE_CACHE: join(cacheFolder(process.env), 'compiled'), ...process.env },
    })
    return countTests(readReport(report), status === 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Null where vitest ended before it wrote one. */
function readReport(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
