/**
 * Writes checkpoints: whenever enough has happened, or something has and a while has passed, the coordinators sign the
 * Merkle roots of the whole log. Several coordinators make one chain: the log lets one of them go first, and
 * the others verify what it has written before they go on. One that meets a checkpoint, or a log, that is not what it
 * knows makes no more checkpoints and says so: going on would vouch for a log that was tampered with.
 *
 * A checkpoint is in the log before it is in Postgres. After a crash in between it is found in the log and verified
 * like anybody else's, and so is the whole chain where Postgres has lost it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  BrokenCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  noCheckpoint,
  readCheckpoint,
} from '../../audit/checkpoint-event.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { AppendConflict, LogUnavailable, type EventLog, type StoredEvent } from '../../events/event-log.ts'
import { checkpoints } from '../../events/subjects.ts'
import type { Identity } from '../../identity/identity-key.ts'
import { unverifiedLog, type CheckpointStore, type VerifiedLog } from './checkpoint-store.ts'
import { LogTampered } from './log-tampered.ts'
import { advanceTrees, endsOf, headOf, type LogEnds } from './log-trees.ts'

export type CheckpointPolicy = Readonly<{
  /** The coordinators' common identity. */
  identity: Identity
  /** Public keys that earlier checkpoints may be signed with. */
  formerKeys: readonly Uint8Array[]
  /** Longest time that an event waits for its checkpoint. */
  intervalMs: number
  /** Events that one checkpoint adds, at most. */
  maxEvents: number
}>

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

/** Postgres may be behind the log, never ahead of it, and never of another opinion. */
async function resume({ log, store, policy }: CheckpointerOptions): Promise<VerifiedLog> {
  const newest = await store.newest()
  if (newest === null) return unverifiedLog(noCheckpoint)
  const last = await log.last(checkpoints)
  if (last === null || last.sequence < newest.sequence) {
    throw new LogTampered(`checkpoint ${newest.sequence}, which Postgres has, is not in the log`)
  }
  const inLog = last.sequence === newest.sequence ? last : await log.at('CHECKPOINTS', newest.sequence)
  if (inLog === null) throw new LogUnavailable(`event log: checkpoint ${newest.sequence} cannot be read`)
  if (!equalBytes(inLog.data, newest.stored)) {
    throw new LogTampered(`checkpoint ${newest.sequence} in the log is not the one that Postgres has`)
  }
  // With another identity than before, what follows would not be trusted by whoever knows the former one.
  const { coordinatorKey } = decodeCheckpoint(newest.stored)
  if (!trustedBy(policy).some((key) => equalBytes(key, coordinatorKey))) {
    throw new LogTampered(`checkpoint ${newest.sequence} is signed with a key that is not trusted`)
  }
  return (await store.resume()) ?? unverifiedLog(noCheckpoint)
}

/** Checkpoints that others have written, or this process before it stopped: each is verified, then kept. */
async function* verifyNew(options: CheckpointerOptions, from: VerifiedLog): AsyncGenerator<VerifiedLog> {
  let verified = from
  if ((await options.log.lastSequence('CHECKPOINTS')) < from.head.sequence) {
    throw new LogTampered(`checkpoint ${from.head.sequence} is no longer in the log`)
  }
  for await (const stored of options.log.read(checkpoints, from.head.sequence)) {
    verified = await verifyOne(options, verified, stored)
    yield verified
  }
}

async function verifyOne(
  { log, store, policy }: CheckpointerOptions,
  verified: VerifiedLog,
  stored: StoredEvent,
): Promise<VerifiedLog> {
  const head = await readCheckpoint(stored.data, verified.head, trustedBy(policy)).catch((error: unknown) => {
    throw error instanceof BrokenCheckpoint ? new LogTampered(error.message, { cause: error }) : error
  })
  if (stored.sequence !== head.sequence) throw new LogTampered(`checkpoint ${head.sequence} is not in its place`)
  const ends = { sessions: head.sessions.size, messages: head.messages.size }
  const present = await endsOf(log)
  for (const stream of ['sessions', 'messages'] as const) {
    if (present[stream] >= ends[stream]) continue
    throw new LogTampered(`checkpoint ${head.sequence} covers ${ends[stream]} ${stream}: there are ${present[stream]}`)
  }
  const trees = await advanceTrees(log, verified, ends)
  for (const stream of ['sessions', 'messages'] as const) {
    if (equalBytes(headOf(trees[stream]).root, head[stream].root)) continue
    const [first, last] = [verified[stream].size + 1, ends[stream]]
    const changed = `${stream} ${first} to ${last} are not those that it was made of`
    throw new LogTampered(`checkpoint ${head.sequence}: ${changed}`)
  }
  const next = { head, ...trees }
  await store.save(next, stored.data)
  return next
}

function trustedBy({ identity, formerKeys }: CheckpointPolicy): readonly Uint8Array[] {
  return [identity.publicKey, ...formerKeys]
}

/** Null where another coordinator was first. */
async function writeNext(
  { log, store, policy, now }: CheckpointerOptions,
  verified: VerifiedLog,
  ends: LogEnds,
): Promise<VerifiedLog | null> {
  const trees = await advanceTrees(log, verified, limited(verified, ends, policy.maxEvents))
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

/** Positions are never given back: a stream that ends before its checkpoint has lost its end. */
function requireReached({ head }: VerifiedLog, ends: LogEnds): void {
  for (const stream of ['sessions', 'messages'] as const) {
    if (ends[stream] >= head[stream].size) continue
    const covered = head[stream].size
    throw new LogTampered(`checkpoint ${head.sequence} covers ${covered} ${stream}: there are ${ends[stream]}`)
  }
}
