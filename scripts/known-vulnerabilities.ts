/** What the registry knows of vulnerabilities in the packages of the lockfile, development tools included. */
import { spawnSync } from 'node:child_process'
import { z } from 'zod'

/** A registry that cannot be asked has not said that all is well. */
export type Unanswered = Readonly<{ unanswered: string }>

const severe: ReadonlySet<string> = new Set(['high', 'critical'])

const report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.string(),
      range: z.string(),
      via: z.array(z.union([z.string(), z.object({ title: z.string(), url: z.string() })])),
    }),
  ),
})
const failure = z.object({ message: z.string().optional(), error: z.object({ summary: z.string() }).optional() })

/** One line for each package with a known vulnerability of severity high or critical. */
export function checkKnownVulnerabilities(root: string, registry?: string): readonly string[] | Unanswered {
  const args = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=20000']
  const chosen = registry === undefined ? [] : ['--registry', registry]
  const { stdout, stderr, error } = spawnSync('npm', [...args, ...chosen], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  return error === undefined ? judgeAudit(stdout, stderr) : { unanswered: `npm cannot be run: ${error.message}` }
}

/** What `npm audit --json` printed, as problems. */
export function judgeAudit(stdout: string, stderr = ''): readonly string[] | Unanswered {
  const json = parsed(stdout)
  const { data } = report.safeParse(json)
  if (data === undefined) {
    const told = failure.safeParse(json).data
    const line = [told?.message, told?.error?.summary, stderr.trim().split('\n').at(-1)].find((text) => text)
    return { unanswered: line ?? 'npm audit printed nothing' }
  }
  const found = Object.entries(data.vulnerabilities).filter(([, { severity }]) => severe.has(severity))
  return found.map(([name, { severity, range, via }]) => {
    const why = via.map((one) => (typeof one === 'string' ? `by way of ${one}` : `${one.title}, ${one.url}`))
    return `${[name, range].filter((text) => text !== '').join(' ')}: ${severity}: ${why.join('; ')}`
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
