/**
 * Writes checkpoints: whenever enough has happened, or something has and a while has passed, the coordinators sign the
 * Merkle roots of the whole log. Several coordinators make one chain: the log lets one of them go first, and the others
 * verify what it has written before they go on. One that meets a checkpoint, or a log, that is not what it knows makes
 * no more checkpoints and says so: going on would vouch for a log that was tampered with.
 *
 * A checkpoint is in the log before it is in Postgres. After a crash in between it is found in the log and verified
 * like anybody else's, and so is the whole chain where Postgres has lost it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { encodeCheckpoint, noCheckpoint } from '../../audit/checkpoint-event.ts'
import { AppendConflict, type EventLog } from '../../events/event-log.ts'
import { checkpoints } from '../../events/subjects.ts'
import type { CheckpointPolicy } from './checkpoint-policy.ts'
import { unverifiedLog, type CheckpointStore, type VerifiedLog } from './checkpoint-store.ts'
import { LogTampered } from './log-tampered.ts'
import { advanceTrees, endsOf, headOf, type LogEnds } from './log-trees.ts'
import { requireReached, resume, verifyNew } from './verify-checkpoints.ts'

export type CheckpointStatus = Readonly<{
  /** Number of the newest checkpoint; 0 for none. */
  sequence: number
  /** Unix milliseconds of the newest checkpoint; 0 for none. */
  timeMs: number
  /** Events that checkpoints cover, and that wait for one. */
  covered: number
  waiting: number
  /** False once the log is not what checkpoints say. */
  intact: boolean
}>

export type Checkpointer = Readonly<{
  status(): CheckpointStatus
  close(): Promise<void>
}>

export type CheckpointerOptions = Readonly<{
  log: EventLog
  store: CheckpointStore
  policy: CheckpointPolicy
  /** Unix milliseconds. */
  now: () => number
  /** Told of every failed attempt; the next one comes all the same. */
  onError: (error: unknown) => void
  /** Told once; from then on there are no checkpoints. */
  onTampered: (error: LogTampered) => void
}>

const longestPauseMs = 1000
const shortestPauseMs = 20

export function startCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { policy, now, onError, onTampered } = options
  const closing = new AbortController()
  let verified = unverifiedLog(noCheckpoint)
  let resumed = false
  let waiting = 0
  let waitingSinceMs: number | null = null
  let intact = true

  async function attempt(): Promise<void> {
    if (!resumed) {
      verified = await resume(options)
      resumed = true
    }
    for await (const next of verifyNew(options, verified)) {
      verified = next
      if (closing.signal.aborted) return
    }
    const ends = await endsOf(options.log)
    requireReached(verified, ends)
    waiting = ends.sessions - verified.sessions.size + ends.messages - verified.messages.size
    waitingSinceMs = waiting === 0 ? null : (waitingSinceMs ?? now())
    if (waitingSinceMs === null) return
    if (waiting < policy.maxEvents && now() - waitingSinceMs < policy.intervalMs) return
    const written = await writeNext(options, verified, ends)
    if (written === null) return
    const { head } = verified
    verified = written
    waiting -= written.head.sessions.size - head.sessions.size + written.head.messages.size - head.messages.size
    waitingSinceMs = null
  }

  async function run(): Promise<void> {
    const pauseMs = Math.max(Math.min(policy.intervalMs / 4, longestPauseMs), shortestPauseMs)
    while (!closing.signal.aborted) {
      try {
        await attempt()
        // What is more than one checkpoint may hold does not wait.
        if (waiting >= policy.maxEvents) continue
      } catch (error) {
        if (error instanceof LogTampered) {
          intact = false
          return onTampered(error)
        }
        onError(error)
      }
      await delay(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    status: () => {
      const { head, sessions, messages } = verified
      const { sequence, timeMs } = head
      return { sequence, timeMs, covered: sessions.size + messages.size, waiting, intact }
    },
    close: async () => {
      closing.abort()
      await running
    },
  }
}

/** Null where another coordinator was first. */
async function writeNext(
  { log, store, policy, now }: CheckpointerOptions,
  verified: VerifiedLog,
  ends: LogEnds,
): Promise<VerifiedLog | null> {
  const { sessions, messages } = await advanceTrees(log, verified, limited(verified, ends, policy.maxEvents))
  if (messages === null) throw new LogTampered('messages were moved to an archive that no checkpoint covers')
  const trees = { sessions, messages }
  const content = { timeMs: now(), sessions: headOf(trees.sessions), messages: headOf(trees.messages) }
  const { eventId, bytes, head } = await encodeCheckpoint(policy.identity, verified.head, content)
  try {
    const { sequence: expectedLastSequence } = verified.head
    const { sequence } = await log.append(checkpoints, bytes, { messageId: eventId, expectedLastSequence })
    if (sequence !== head.sequence) throw new LogTampered(`checkpoint ${head.sequence} went to position ${sequence}`)
  } catch (error) {
    if (error instanceof AppendConflict) return null
    throw error
  }
  const next = { head, ...trees }
  await store.save(next, bytes)
  return next
}

/** So many events at most, from where the last checkpoint ended. */
function limited(verified: VerifiedLog, ends: LogEnds, maxEvents: number): LogEnds {
  const sessions = Math.min(ends.sessions, verified.sessions.size + maxEvents)
  const left = maxEvents - (sessions - verified.sessions.size)
  return { sessions, messages: Math.min(ends.messages, verified.messages.size + left) }
}
