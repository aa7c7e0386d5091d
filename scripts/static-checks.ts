/** What can be checked without running the system. Each check counts as one test. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { checkDependencyRules } from './dependency-rules.ts'
import { checkDocumentedGuards } from './documented-guards.ts'
import { checkDocumentedVariables } from './documented-variables.ts'
import { staleLimbProducts } from './limb-products.ts'
import { checkKnownVulnerabilities, type Unanswered } from './known-vulnerabilities.ts'
import { checkLicences } from './licences.ts'
import { checkSecretFlow } from './secret-flow.ts'
import type { Tally } from './test-report.ts'

/** A check returns what is wrong, one line each, or why nobody can tell. */
type Check = Readonly<{ name: string; run: (root: string) => readonly string[] | Unanswered }>

const checks: readonly Check[] = [
  { name: 'proto files pass buf lint', run: (root) => outputOfFailure(root, 'buf', ['lint']) },
  { name: 'src/gen is what buf generates from proto', run: staleGeneratedFiles },
  { name: 'docs/openapi is what npm run generate makes of proto', run: staleOpenApiDocuments },
  { name: 'field products are what npm run generate writes', run: staleLimbProducts },
  { name: 'types', run: (root) => outputOfFailure(root, 'tsc', ['-p', '.']) },
  { name: 'dependency rules', run: checkDependencyRules },
  { name: 'no variable-time code on secrets', run: checkSecretFlow },
  { name: 'guards and tests that the docs name exist', run: checkDocumentedGuards },
  { name: 'the docs have every environment variable, and no other', run: checkDocumentedVariables },
  { name: 'licences of the packages', run: checkLicences },
  {
    name: 'no vulnerability of severity high or critical is known of a package (npm audit)',
    run: knownVulnerabilities,
  },
]

export function runStaticChecks(root: string): Tally {
  const results = checks.map(({ name, run }) => report(name, run(root)))
  const count = (outcome: Outcome) => results.filter((result) => result === outcome).length
  return { passed: count('passed'), failed: count('failed') }
}

type Outcome = 'passed' | 'failed' | 'unknown'

function report(name: string, result: readonly string[] | Unanswered): Outcome {
  if ('unanswered' in result) {
    console.log(`? ${name}: NOT CHECKED, counts neither as passed nor as failed: ${result.unanswered}`)
    return 'unknown'
  }
  console.log(`${result.length === 0 ? '✓' : '✗'} ${name}`)
  for (const problem of result) console.log(`  ${problem}`)
  return result.length === 0 ? 'passed' : 'failed'
}

/** Where the answer is a must (a release, a CI with a registry that can be asked), having none is a failure. */
function knownVulnerabilities(root: string): readonly string[] | Unanswered {
  const result = checkKnownVulnerabilities(root)
  const isMust = process.env['MPC_REQUIRE_AUDIT'] === 'true'
  return isMust && 'unanswered' in result ? [result.unanswered] : result
}

/** `command` is a package's, or an absolute path. */
function outputOfFailure(root: string, command: string, args: readonly string[]): readonly string[] {
  const { status, stdout, stderr, error } = spawnSync(resolve(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) return [`cannot run ${command}: ${error.message}`]
  return status === 0 ? [] : [...`${stdout}${stderr}`.trim().split('\n'), `${command} ended with exit code ${status}`]
}

/** In a process of its own: it uses src/gen, which may be what is wrong. */
function staleOpenApiDocuments(root: string): readonly string[] {
  return outputOfFailure(root, process.execPath, [join('scripts', 'generate.ts'), '--check'])
}

function staleGeneratedFiles(root: string): readonly string[] {
  const fresh = mkdtempSync(join(tmpdir(), 'mpc-generated-'))
  try {
    const failure = outputOfFailure(root, 'buf', ['generate', '--output', fresh])
    if (failure.length > 0) return failure
    const [present, wanted] = [join(root, 'src', 'gen'), join(fresh, 'src', 'gen')]
    const files = [...new Set([...filesIn(present), ...filesIn(wanted)])]
    return files
      .filter((file) => readOrNull(join(present, file)) !== readOrNull(join(wanted, file)))
      .map((file) => `src/gen/${file} is not up to date: npm run generate`)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
