/** Hashing the log forward: from the trees at one checkpoint to those at the next. */
import type { TreeHead } from '../../audit/checkpoint-event.ts'
import { appendEvent, appendGaps } from '../../audit/log-leaf.ts'
import { rootOf, type Frontier } from '../../audit/merkle-tree.ts'
import { LogUnavailable, type EventLog } from '../../events/event-log.ts'
import { allMessages, allSessions } from '../../events/subjects.ts'

const streams = {
  sessions: { name: 'SESSIONS', filter: allSessions },
  messages: { name: 'MESSAGES', filter: allMessages },
} as const

export type LogTrees = Readonly<Record<keyof typeof streams, Frontier>>
export type LogEnds = Readonly<Record<keyof typeof streams, number>>

/** Positions of the newest events. Throws LogUnavailable. */
export async function endsOf(log: EventLog): Promise<LogEnds> {
  const [sessions, messages] = await Promise.all([log.lastSequence('SESSIONS'), log.lastSequence('MESSAGES')])
  return { sessions, messages }
}

/** `messages` is null where what would have to be read was moved to an archive. */
export type AdvancedTrees = Readonly<{ sessions: Frontier; messages: Frontier | null }>

/** Reads both streams up to `ends`, which they have reached. Throws LogUnavailable, also when a replica is behind. */
export async function advanceTrees(log: EventLog, trees: LogTrees, ends: LogEnds): Promise<AdvancedTrees> {
  const sessions = await advanceTree(log, 'sessions', trees.sessions, ends.sessions)
  const from = await pastTrimmed(log, trees.messages, ends.messages)
  return { sessions, messages: from && (await advanceTree(log, 'messages', from, ends.messages)) }
}

/**
 * Where the beginning of MESSAGES was moved to an archive, its tree goes on from the one that the stream tells of it. A
 * wrong one makes another root than the next checkpoint has.
 */
async function pastTrimmed(log: EventLog, from: Frontier, end: number): Promise<Frontier | null> {
  if (from.size >= end) return from
  const trimmed = await log.trimmed()
  if (trimmed === null || trimmed.upTo <= from.size) return from
  return trimmed.upTo > end ? null : { size: trimmed.upTo, subtrees: trimmed.subtrees }
}

export function headOf(tree: Frontier): TreeHead {
  return { size: tree.size, root: rootOf(tree) }
}

async function advanceTree(
  log: EventLog,
  which: keyof typeof streams,
  from: Frontier,
  end: number,
): Promise<Frontier> {
  if (from.size >= end) return from
  const { name, filter } = streams[which]
  let tree = from
  for await (const event of log.read(filter, from.size)) {
    // Only a later event shows that nothing is at the end: else it may be a replica that has not got so far.
    if (event.sequence > end) return appendGaps(tree, name, end)
    tree = appendEvent(tree, event)
    if (tree.size === end) return tree
  }
  throw new LogUnavailable(`event log: ${name} can be read up to ${tree.size} only, of ${end}`)
}
