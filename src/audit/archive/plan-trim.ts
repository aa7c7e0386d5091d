/**
 * What of MESSAGES may be dropped: its beginning, up to the first event that is not in a session that is over and in
 * the archive. Found by an audit of the log and the archive together, from the first event on, so that nothing is
 * dropped that could not be read, did not verify, or is not under a signed checkpoint.
 */
import type { LogReader } from '../../events/event-log.ts'
import type { Trimmed } from '../../events/trimmed.ts'
import { checkLog, type LogCheckOptions, type LogReport } from '../check-log.ts'
import { createCheckpointWitness, type CheckpointOptions, type CheckpointWitness } from '../checkpoint-witness.ts'
import { openLiveLog } from '../live-log.ts'
import { appendLeaf, emptyFrontier } from '../merkle-tree.ts'
import type { Finding } from '../records.ts'
import { SequenceSet } from '../sequence-set.ts'
import type { Archive } from './open-archive.ts'

export type TrimPlan = Readonly<{
  /** Of the log and the archive together. */
  report: LogReport
  checkpoints: string
  /** Where MESSAGES begins now: after this sequence. */
  trimmedUpTo: number
  /** Null: nothing more may be dropped. */
  trim: Trimmed | null
}>

/** Throws LogUnavailable. */
export async function planTrim(
  log: LogReader,
  archive: Archive,
  nowMs: number,
  options: CheckpointOptions & Pick<LogCheckOptions, 'heads'>,
): Promise<TrimPlan> {
  const trimmedUpTo = (await log.trimmed())?.upTo ?? 0
  const watched = watch(archive)
  const source = await openLiveLog(log, nowMs, watched.archive)
  const witness = await createCheckpointWitness(source, options)
  const { heads } = options
  const sessions: Readonly<{ created: number; firstMessage: number }>[] = []
  let firstUnfinished = Infinity
  const report = await checkLog(source, {
    ...(heads !== undefined && { heads }),
    witness,
    onSession: ({ status, entries }) => {
      const created = entries.find(({ stream }) => stream === 'SESSIONS')?.sequence ?? 0
      const firstMessage = entries.find(({ stream }) => stream === 'MESSAGES')?.sequence ?? Infinity
      sessions.push({ created, firstMessage })
      const isOver = status === 'completed' || status === 'failed' || status === 'expired'
      if (!isOver) firstUnfinished = Math.min(firstUnfinished, firstMessage)
    },
  })
  const checkpoints = witness.summary()
  if (report.verdict !== 'intact' || witness.newest === null) return { report, checkpoints, trimmedUpTo, trim: null }
  const upTo = Math.min(
    watched.archivedUpTo(source.extent.MESSAGES),
    firstUnfinished - 1,
    witness.newest.messages.size,
    // A stream without any event could forget where it was.
    source.extent.MESSAGES - 1,
  )
  if (upTo <= trimmedUpTo) return { report, checkpoints, trimmedUpTo, trim: null }
  const affected = sessions.filter(({ firstMessage }) => firstMessage <= upTo)
  const sessionsUpTo = affected.reduce((last, { created }) => Math.max(last, created), 0)
  return { report, checkpoints, trimmedUpTo, trim: { upTo, sessionsUpTo, subtrees: subtreesOf(witness, upTo) } }
}

/** Notes what is read from the archive: what its manifest says is not enough. */
function watch(archive: Archive) {
  const read = new SequenceSet(Number.MAX_SAFE_INTEGER)
  return {
    archive: {
      ...archive,
      sessions: async function* (problems: Finding[]) {
        for await (const records of archive.sessions(problems)) {
          for (const { sequence } of records.messages) read.add(sequence)
          yield records
        }
      },
    } satisfies Archive,
    archivedUpTo: (end: number): number => {
      let sequence = 0
      while (sequence < end && read.has(sequence + 1)) sequence += 1
      return sequence
    },
  }
}

function subtreesOf({ leaves }: CheckpointWitness, size: number): Trimmed['subtrees'] {
  let tree = emptyFrontier
  while (tree.size < size) {
    const leaf = leaves.MESSAGES.get(tree.size + 1)
    if (leaf === null) throw new RangeError(`event ${tree.size + 1} of MESSAGES was not seen`)
    tree = appendLeaf(tree, leaf)
  }
  return tree.subtrees
}
