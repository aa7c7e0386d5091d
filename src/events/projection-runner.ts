/**
 * Keeps a read model in Postgres up to date with the log: in batches, each in one transaction together with the
 * position of its last event. A batch that is delivered again, or applied by another process first, changes nothing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely, Transaction } from 'kysely'
import { createAppliedPosition } from './applied-position.ts'
import { createEventBuffer } from './event-buffer.ts'
import type { EventLog, StoredEvent } from './event-log.ts'
import { streamOf } from './subjects.ts'

export type Projection<Database> = Readonly<{
  /** Subject filter of the events it wants. */
  filter: string
  /** Stream position of the last applied event; 0 for none. */
  checkpoint(database: Kysely<Database>): Promise<number>
  /** The same, locked until the transaction ends, so that two processes never apply the same event. */
  lockCheckpoint(transaction: Transaction<Database>): Promise<number>
  moveCheckpoint(transaction: Transaction<Database>, sequence: number): Promise<void>
  /** Applies events, oldest first. */
  apply(transaction: Transaction<Database>, events: readonly StoredEvent[]): Promise<void>
}>

export type ProjectionRunner = Readonly<{
  /** True once everything up to this stream position is applied; false when it takes longer. */
  waitUntilApplied(sequence: number, timeoutMs: number): Promise<boolean>
  /** Stream position of the last applied event. */
  applied(): number
  /** False while batches fail. */
  healthy(): boolean
  close(): Promise<void>
}>

export type RunnerOptions<Database> = Readonly<{
  log: EventLog
  database: Kysely<Database>
  projection: Projection<Database>
  /** Told of every failed batch; the batch is tried again. */
  onError: (error: unknown) => void
  /** Events per transaction, at most. */
  batchSize?: number
  /** How long a batch waits for more events, unless somebody waits for it. */
  batchPauseMs?: number
}>

const retryPauseMs = 500

/** The log is behind what was already read from it: it lost events, or the read model belongs to another log. */
export class ProjectionAhead extends Error {
  override readonly name = 'ProjectionAhead'
}

export async function startProjection<Database>(options: RunnerOptions<Database>): Promise<ProjectionRunner> {
  const { log, database, projection, onError, batchSize = 500, batchPauseMs = 15 } = options
  const start = await projection.checkpoint(database)
  const end = await log.lastSequence(streamOf(projection.filter))
  if (start > end) {
    throw new ProjectionAhead(`the read model has event ${start}, but the log ends at ${end}: events were lost`)
  }
  let closing = false
  let failing = false
  const buffer = createEventBuffer(2 * batchSize)
  const position = createAppliedPosition(start, buffer.wake)

  async function work(): Promise<void> {
    while (!closing) {
      if (buffer.first(1).length === 0) {
        await buffer.wait()
        continue
      }
      if (!position.awaited()) await buffer.wait(batchPauseMs)
      const batch = buffer.first(batchSize)
      try {
        position.moveTo(await applyBatch(database, projection, batch))
        buffer.drop(batch.length)
        failing = false
      } catch (error) {
        failing = true
        onError(error)
        await delay(retryPauseMs)
      }
    }
  }

  const follower = await log.follow(projection.filter, start, buffer.add)
  const working = work()
  return {
    applied: position.value,
    waitUntilApplied: position.reached,
    healthy: () => !failing,
    close: async () => {
      closing = true
      buffer.wake()
      await follower.close()
      await working
    },
  }
}

/** The position that the read model has afterwards. */
async function applyBatch<Database>(
  database: Kysely<Database>,
  projection: Projection<Database>,
  batch: readonly StoredEvent[],
): Promise<number> {
  return database.transaction().execute(async (transaction) => {
    const done = await projection.lockCheckpoint(transaction)
    const fresh = batch.filter((event) => event.sequence > done)
    const last = fresh.at(-1)
    if (last === undefined) return done
    await projection.apply(transaction, fresh)
    await projection.moveCheckpoint(transaction, last.sequence)
    return last.sequence
  })
}
