/** Prints, after the last test file, how many lies were told and what came of them. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { describeTally, emptyTally, type Tally } from './tally.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where each file of the adversarial suite leaves its tally. */
    talliesFolder: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-tallies-'))
  project.provide('talliesFolder', folder)
  return async () => {
    const total = emptyTally()
    const lines: string[] = []
    for (const file of (await readdir(folder)).sort()) {
      // Written by tell-all.ts.
      const tally = JSON.parse(await readFile(join(folder, file), 'utf8')) as Tally
      for (const key of ['lies', 'signatures', 'shares', 'blames', 'secrets'] as const) total[key] += tally[key]
      lines.push(describeTally(basename(file, '.json'), tally))
    }
    if (lines.length > 0)
      console.log(['', 'Lies against honest parties:', ...lines, describeTally('all', total)].join('\n'))
    await rm(folder, { recursive: true, force: true })
  }
}
