/** Checkpoints in Postgres, and the trees at the newest of them. */
import type { Kysely } from 'kysely'
import { decodeCheckpoint, type CheckpointHead } from '../../audit/checkpoint-event.ts'
import { emptyFrontier, rootOf, type Frontier } from '../../audit/merkle-tree.ts'
import { chunks, concatBytes, equalBytes } from '../../crypto/bytes.ts'
import type { CoordinatorDatabase } from '../projection/tables.ts'
import { LogTampered } from './log-tampered.ts'

/**
 * The log up to a checkpoint that has been verified. The tree of messages ends before the checkpoint only while those
 * that it covers are passed over because they were moved to an archive.
 */
export type VerifiedLog = Readonly<{ head: CheckpointHead; sessions: Frontier; messages: Frontier }>

export type CheckpointStore = Readonly<{
  /** The bytes of the newest checkpoint that was ever verified here, or null. */
  newest(): Promise<Readonly<{ sequence: number; stored: Uint8Array }> | null>
  /** Where to go on from; null where that has been lost and everything is to be verified again. */
  resume(): Promise<VerifiedLog | null>
  /** Throws LogTampered where another checkpoint of this number is known. Repeating it is harmless. */
  save(verified: VerifiedLog, stored: Uint8Array): Promise<void>
}>

const hashBytes = 32

export function checkpointStore(database: Kysely<CoordinatorDatabase>): CheckpointStore {
  async function newest() {
    const query = database.selectFrom('log_checkpoints').select(['sequence', 'stored']).orderBy('sequence', 'desc')
    const row = await query.limit(1).executeTakeFirst()
    return row === undefined ? null : { sequence: Number(row.sequence), stored: row.stored }
  }

  return {
    newest,
    resume: async () => {
      const row = await newest()
      if (row === null) return null
      const head = decodeCheckpoint(row.stored)
      const trees = await database.selectFrom('log_trees').selectAll().execute()
      const treeOf = (stream: 'sessions' | 'messages'): Frontier | null => {
        const tree = trees.find((candidate) => candidate.stream === stream)
        if (tree === undefined || Number(tree.size) !== head[stream].size) return null
        const frontier = { size: Number(tree.size), subtrees: chunks(tree.subtrees, hashBytes) }
        return equalBytes(rootOf(frontier), head[stream].root) ? frontier : null
      }
      const [sessions, messages] = [treeOf('sessions'), treeOf('messages')]
      return sessions === null || messages === null ? null : { head, sessions, messages }
    },
    save: ({ head, sessions, messages }, stored) =>
      database.transaction().execute(async (transaction) => {
        const { sequence, timeMs } = head
        await transaction
          .insertInto('log_checkpoints')
          .values({
            sequence,
            time_ms: timeMs,
            sessions_size: head.sessions.size,
            messages_size: head.messages.size,
            stored,
          })
          .onConflict((conflict) => conflict.column('sequence').doNothing())
          .execute()
        const kept = await transaction
          .selectFrom('log_checkpoints')
          .select('stored')
          .where('sequence', '=', String(sequence))
          .executeTakeFirstOrThrow()
        if (!equalBytes(kept.stored, stored)) {
          throw new LogTampered(`checkpoint ${sequence} in the log is not the one that Postgres has`)
        }
        for (const [stream, { size, subtrees }] of Object.entries({ sessions, messages })) {
          const tree = { checkpoint: sequence, size, subtrees: concatBytes(...subtrees) }
          await transaction
            .insertInto('log_trees')
            .values({ stream, ...tree })
            // Another coordinator may have got further.
            .onConflict((conflict) =>
              conflict.column('stream').doUpdateSet(tree).where('log_trees.checkpoint', '<', String(sequence)),
            )
            .execute()
        }
      }),
  }
}

/** Nothing verified yet. */
export function unverifiedLog(head: CheckpointHead): VerifiedLog {
  return { head, sessions: emptyFrontier, messages: emptyFrontier }
}
