/**
 * What is known of the log besides the log: every checkpoint, so that a log that was exchanged or cut short shows, and
 * where the trees stood at the newest, so that a restart goes on there. No read model: never dropped with it.
 */
import type { ColumnType } from 'kysely'

/** bigint columns arrive as text: the driver does not know that ours stay below 2^53. */
type Whole = ColumnType<string, number, number>
type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>

export type LogCheckpointsTable = {
  /** Number of the checkpoint, which is its position in CHECKPOINTS too. */
  sequence: Whole
  time_ms: Whole
  sessions_size: Whole
  messages_size: Whole
  /** As in the log. */
  stored: Bytes
}

export type LogTreesTable = {
  stream: string
  /** Number of the checkpoint that it belongs to. */
  checkpoint: Whole
  size: Whole
  /** Roots of the complete subtrees, 32 bytes each, largest first. */
  subtrees: Bytes
}

export type CheckpointDatabase = { log_checkpoints: LogCheckpointsTable; log_trees: LogTreesTable }
