/**
 * The read model built anew from the log while the one in use serves: beside it, in a schema of its own, then compared,
 * then put in its place. Killed at any moment, it leaves the one in use whole, and is gone on with by the next call.
 */
import { sql, type Kysely } from 'kysely'
import type { LogReader } from '../../../events/event-log.ts'
import { ProjectionAhead } from '../../../events/projection-runner.ts'
import { openReadModelInUse } from '../database.ts'
import { sessionProjection } from '../session-projection.ts'
import type { CoordinatorDatabase } from '../tables.ts'
import { compareReadModels, type TableComparison } from './compare.ts'
import { fillUpTo } from './fill.ts'
import { dropShadow, openShadow } from './shadow.ts'
import { swapReadModels } from './swap.ts'

type Db = Kysely<CoordinatorDatabase>

export type RebuildOptions = Readonly<{
  log: LogReader
  databaseUrl: string
  /** Only compare. */
  verify: boolean
  /** Told where it begins (more than 0: an earlier call was cut short) and how far it gets, in stream positions. */
  onProgress: (position: number, end: number) => void
  onConnectionLost: (error: Error) => void
}>

export type RebuildReport = Readonly<{
  tables: readonly TableComparison[]
  /** Stream position at which both were compared. */
  comparedAt: number
  /** Events that were applied, and the time that took. */
  events: number
  seconds: number
  /** Position at which the rebuilt one took over; null where it did not. */
  replacedAt: number | null
}>

/** Another rebuild holds the schema that is built in. */
export class RebuildRunning extends Error {
  override readonly name = 'RebuildRunning'
}

/**
 * Throws ConfigurationError ('DATABASE_URL'), OtherSchema, RebuildRunning, ProjectionAhead, LogUnavailable, what tells
 * why an event cannot be read, and what the database driver throws.
 */
export async function rebuildReadModel(options: RebuildOptions): Promise<RebuildReport> {
  const { databaseUrl, log, onConnectionLost } = options
  const live = await openReadModelInUse(databaseUrl, onConnectionLost)
  try {
    return await live.connection().execute(async (holder) => {
      await takeLock(holder)
      const shadow = await openShadow(databaseUrl, live, log, onConnectionLost)
      try {
        return await rebuild(options, live, shadow)
      } finally {
        await shadow.destroy()
      }
    })
  } finally {
    await live.destroy()
  }
}

/** Until the connection ends, however it does. */
async function takeLock(holder: Db): Promise<void> {
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_lock(hashtext('mpc-system'), hashtext('rebuild of the read model')) as taken
  `.execute(holder)
  if (rows[0]?.taken !== true) throw new RebuildRunning('another rebuild of this read model is running')
}

async function rebuild(options: RebuildOptions, live: Db, shadow: Db): Promise<RebuildReport> {
  const { log, onProgress } = options
  const end = await log.lastSequence('SESSIONS')
  const inUse = await sessionProjection.checkpoint(live)
  if (inUse > end) throw new ProjectionAhead(inUse, end)
  const startedAtMs = performance.now()
  const first = await sessionProjection.checkpoint(shadow)
  onProgress(first, inUse)
  const fill = (upTo: number): Promise<void> =>
    fillUpTo(shadow, log, upTo, (position) => onProgress(position, Math.max(inUse, upTo)))
  await fill(inUse)
  await fill(await sessionProjection.checkpoint(live))
  const { comparedAt, tables } = await compare(live, shadow, fill)
  const seconds = (performance.now() - startedAtMs) / 1000
  const report = { tables, comparedAt, events: comparedAt - first, seconds, replacedAt: null }
  if (options.verify) {
    await dropShadow(live)
    return report
  }
  const replacedAt = await swapReadModels(live, fill)
  // Where no coordinator runs nobody else does it.
  await fillUpTo(live, log, end, (position) => onProgress(position, end))
  return { ...report, replacedAt }
}

/** At the position that the one in use has at one moment, without holding up who applies events to it. */
function compare(
  live: Db,
  shadow: Db,
  fill: (upTo: number) => Promise<void>,
): Promise<Pick<RebuildReport, 'comparedAt' | 'tables'>> {
  return live
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (snapshot) => {
      const comparedAt = await sessionProjection.checkpoint(snapshot)
      await fill(comparedAt)
      return { comparedAt, tables: await compareReadModels(snapshot, shadow) }
    })
}
