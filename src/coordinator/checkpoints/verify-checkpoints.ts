/**
 * What makes sure, before a checkpoint is added, that the log is still the one of the checkpoints that there are: those
 * in Postgres, and those that others have written since.
 */
import { BrokenCheckpoint, decodeCheckpoint, noCheckpoint, readCheckpoint } from '../../audit/checkpoint-event.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { LogUnavailable, type EventLog, type StoredEvent } from '../../events/event-log.ts'
import { checkpoints } from '../../events/subjects.ts'
import type { CheckpointPolicy } from './checkpoint-policy.ts'
import { unverifiedLog, type CheckpointStore, type VerifiedLog } from './checkpoint-store.ts'
import { LogTampered } from './log-tampered.ts'
import { advanceTrees, endsOf, headOf, type LogEnds } from './log-trees.ts'

export type VerifyParts = Readonly<{ log: EventLog; store: CheckpointStore; policy: CheckpointPolicy }>

/**
 * Where to go on from. Postgres may be behind the log, never ahead of it, and never of another opinion. Throws
 * LogTampered, LogUnavailable, or what the database driver throws; so do the others.
 */
export async function resume({ log, store, policy }: VerifyParts): Promise<VerifiedLog> {
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
export async function* verifyNew(options: VerifyParts, from: VerifiedLog): AsyncGenerator<VerifiedLog> {
  let verified = from
  if ((await options.log.lastSequence('CHECKPOINTS')) < from.head.sequence) {
    throw new LogTampered(`checkpoint ${from.head.sequence} is no longer in the log`)
  }
  for await (const stored of options.log.read(checkpoints, from.head.sequence)) {
    verified = await verifyOne(options, verified, stored)
    yield verified
  }
  const { head, messages } = verified
  if (messages.size === head.messages.size) return
  throw new LogTampered(`checkpoint ${head.sequence}: messages were moved to an archive that no checkpoint covers`)
}

async function verifyOne(
  { log, store, policy }: VerifyParts,
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
    const tree = trees[stream]
    // Of what was moved to an archive since, the signature has to do; a later checkpoint commits to it again.
    if (tree === null || equalBytes(headOf(tree).root, head[stream].root)) continue
    const [first, last] = [verified[stream].size + 1, ends[stream]]
    const changed = `${stream} ${first} to ${last} are not those that it was made of`
    throw new LogTampered(`checkpoint ${head.sequence}: ${changed}`)
  }
  const next = { head, sessions: trees.sessions, messages: trees.messages ?? verified.messages }
  await store.save(next, stored.data)
  return next
}

function trustedBy({ identity, formerKeys }: CheckpointPolicy): readonly Uint8Array[] {
  return [identity.publicKey, ...formerKeys]
}

/** Positions are never given back: a stream that ends before its checkpoint has lost its end. */
export function requireReached({ head }: VerifiedLog, ends: LogEnds): void {
  for (const stream of ['sessions', 'messages'] as const) {
    if (ends[stream] >= head[stream].size) continue
    const covered = head[stream].size
    throw new LogTampered(`checkpoint ${head.sequence} covers ${covered} ${stream}: there are ${ends[stream]}`)
  }
}
