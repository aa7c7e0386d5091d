/**
 * Keeps a read model in Postgres up to date with the log: in batches, each in one transaction together with the
 * position of its last event. A batch that is delivered again, or applied by another process first, changes nothing;
 * a read model that was emptied or replaced underneath is filled from where it stands. An event that this release
 * cannot read stops the work: everything before it is applied, nothing after it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { createAppliedPosition } from './applied-position.ts'
import { createEventBuffer } from './event-buffer.ts'
import type { EventLog } from './event-log.ts'
import { applyBatch, CheckpointWentBack, type Projection } from './projection.ts'
import { streamOf } from './subjects.ts'

/** How far a read model is behind the log. */
export type ProjectionLag = Readonly<{
  /** Events of the stream that are not applied. */
  events: number
  /** Age of the oldest of them; 0 where there is none. */
  seconds: number
}>

export type ProjectionRunner = Readonly<{
  /** True once everything up to this stream position is applied; false when it takes longer. */
  waitUntilApplied(sequence: number, timeoutMs: number): Promise<boolean>
  /** Stream position of the last applied event. */
  applied(): number
  /** False while batches fail or the work is stopped. */
  healthy(): boolean
  /** Whether an event that this release cannot read is in the way. */
  stopped(): boolean
  /** Throws LogUnavailable. */
  lag(): Promise<ProjectionLag>
  close(): Promise<void>
}>

export type RunnerOptions<Database, Event> = Readonly<{
  log: EventLog
  database: Kysely<Database>
  projection: Projection<Database, Event>
  /** Told of every failed batch, which is tried again, and once of an event that stops the work. */
  onError: (error: unknown) => void
  /** Unix milliseconds. */
  now?: () => number
  /** Events per transaction, at most. */
  batchSize?: number
  /** How long a batch waits for more events, unless somebody waits for it. */
  batchPauseMs?: number
}>

const retryPauseMs = 500

/** The log is behind what was already read from it: it lost events, or the read model belongs to another log. */
export class ProjectionAhead extends Error {
  override readonly name = 'ProjectionAhead'

  constructor(applied: number, end: number) {
    super(`the read model has event ${applied}, but the log ends at ${end}: events were lost`)
  }
}

export async function startProjection<Database, Event>(
  options: RunnerOptions<Database, Event>,
): Promise<ProjectionRunner> {
  const { log, database, projection, onError, now = Date.now, batchSize = 500, batchPauseMs = 15 } = options
  const stream = streamOf(projection.filter)
  const start = await projection.checkpoint(database)
  const end = await log.lastSequence(stream)
  if (start > end) throw new ProjectionAhead(start, end)
  let state: 'applying' | 'failing' | 'stopped' = 'applying'
  let closing = false
  const buffer = createEventBuffer(2 * batchSize)
  const position = createAppliedPosition(start, buffer.wake)
  const follow = (after: number) => log.follow(projection.filter, after, buffer.add)

  async function takeBatch(): Promise<void> {
    const batch = buffer.first(batchSize)
    const { position: applied, unreadable } = await applyBatch(database, projection, batch, position.value())
    position.moveTo(applied)
    if (unreadable === null) {
      state = 'applying'
      buffer.drop(batch.length)
      return
    }
    if (state !== 'stopped') onError(unreadable)
    state = 'stopped'
    // A newer release beside this one may apply it.
    await delay(retryPauseMs)
  }

  /** What is buffered no longer follows what is applied. */
  async function startOver(from: number): Promise<void> {
    const closed = follower.close()
    buffer.clear()
    await closed
    buffer.clear()
    position.restartAt(from)
    follower = await follow(from)
  }

  async function work(): Promise<void> {
    let wentBackTo: number | null = null
    while (!closing) {
      try {
        if (wentBackTo !== null) await startOver(wentBackTo)
        wentBackTo = null
        if (buffer.first(1).length === 0) {
          await buffer.wait()
          continue
        }
        if (!position.awaited()) await buffer.wait(batchPauseMs)
        await takeBatch()
      } catch (error) {
        state = 'failing'
        onError(error)
        if (error instanceof CheckpointWentBack) wentBackTo = error.position
        else await delay(retryPauseMs)
      }
    }
  }

  let follower = await follow(start)
  const working = work()
  return {
    applied: position.value,
    waitUntilApplied: position.reached,
    healthy: () => state === 'applying',
    stopped: () => state === 'stopped',
    lag: async () => {
      const applied = position.value()
      const events = Math.max(0, (await log.lastSequence(stream)) - applied)
      if (events === 0) return { events, seconds: 0 }
      const waiting = buffer.first(batchSize).find(({ sequence }) => sequence > applied)
      const oldest = waiting ?? (await log.at(stream, applied + 1))
      return { events, seconds: oldest === null ? 0 : Math.max(0, now() - projection.timeOf(oldest)) / 1000 }
    },
    close: async () => {
      closing = true
      buffer.wake()
      await follower.close()
      await working
    },
  }
}
