/** `mpc projections rebuild`: what it prints, and its exit code. */
import {
  rebuildReadModel,
  type RebuildReport,
} from '../../coordinator/projection/rebuild/rebuild.ts'
import type { TableComparison } from '../../coordinator/projection/rebuild/compare.ts'
import { postgresUrlVariable, readEnv } from '../../edge/environment.ts'
import { openLogReader } from '../../events/log-reader.ts'
import { z } from 'zod'
import { logOf, runningDatabaseUrl } from '../stack/running-backing.ts'
import { createProgressBar, number } from './progress-bar.ts'

export type RebuildCommand = Readonly<{
  verify: boolean
  /** Of a dev stack; says where NATS and Postgres are unless the environment does. */
  dataFolder: string
  env: NodeJS.ProcessEnv
}>

const variables = z.object({ DATABASE_URL: postgresUrlVariable.optional() })

/** Resolves to the exit code: 1 when `verify` found a difference. Throws what tells in one line what is wrong. */
export async function runRebuild({ verify, dataFolder, env }: RebuildCommand): Promise<number> {
  const { DATABASE_URL: databaseUrl } = readEnv(variables, env)
  const log = await openLogReader({ ...logOf(dataFolder, env), name: 'mpc projections' })
  const bar = createProgressBar(process.stderr)
  let begun = false
  try {
    const report = await rebuildReadModel({
      log,
      databaseUrl: databaseUrl ?? runningDatabaseUrl(dataFolder),
      verify,
      onProgress: (position, end) => {
        if (!begun && position > 0) console.error(`mpc: going on after event ${number(position)}`)
        begun = true
        bar.update(position, end)
      },
      onConnectionLost: () => {},
    })
    bar.end()
    console.log(describeReport(report, verify))
    return verify && differs(report) ? 1 : 0
  } catch (error) {
    bar.end()
    throw error
  } finally {
    await log.close()
  }
}

/** One line a table, one that says it all. */
export function describeReport(report: RebuildReport, verify: boolean): string {
  const { tables, events, seconds, comparedAt, replacedAt } = report
  const rate = number(events / Math.max(seconds, 0.001))
  const verdict = differs(report) ? 'different from the log' : 'identical to the log'
  const done = verify
    ? 'nothing was replaced'
    : `the rebuilt one is in place since event ${replacedAt === null ? '' : number(replacedAt)}`
  const effort = `${number(events)} events in ${seconds.toFixed(1)} s, ${rate} events/s`
  return [
    ...tables.map(describeTable),
    `the read model was ${verdict} at event ${number(comparedAt)} (${effort}): ${done}`,
  ].join('\n')
}

function describeTable({ table, rows, before, after, difference }: TableComparison): string {
  const head = `${table.padEnd(12)} ${number(rows).padStart(10)} rows  sha256 before ${before}  after ${after}`
  return difference === null ? `${head}  identical` : `${head}  different: row ${difference.key} ${difference.how}`
}

function differs({ tables }: RebuildReport): boolean {
  return tables.some(({ difference }) => difference !== null)
}
