/**
 * The coordinator's read model in Postgres, schema `coordinator`. All of it can be dropped and rebuilt from the log;
 * what is known of the log itself (checkpoints/tables.ts) lies beside it.
 */
import type { ColumnType } from 'kysely'
import type { CheckpointDatabase } from '../checkpoints/tables.ts'

/** bigint columns arrive as text: the driver does not know that ours stay below 2^53. */
type Whole = ColumnType<string, number, number>
type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>
type NullableBytes = ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>

export type SessionsTable = {
  session_id: string
  session_type: string
  key_type: string
  status: string
  threshold_t: number
  threshold_n: number
  created_at_ms: Whole
  expires_at_ms: Whole
  changed_at_ms: Whole
  message_hash: NullableBytes
  message: NullableBytes
  key_id: string | null
  public_key: NullableBytes
  signature: NullableBytes
  recovery_id: number | null
  roster_hash: NullableBytes
  failure_reason: string | null
  failure_reported_by: string | null
  failure_culprits: string[]
  /** Events so far, and the hash of the newest: what an audit compares the log with. */
  version: number
  chain_head: Bytes
}

export type ParticipantsTable = {
  session_id: string
  party_index: number
  party_id: string
  device_type: string
  device_id: string
  status: string
  identity_key: NullableBytes
}

export type KeysTable = {
  key_id: string
  key_type: string
  public_key: Bytes
  threshold_t: number
  threshold_n: number
  /** Stream position of the event that made it a key: of two with one public key the older counts. */
  sequence: Whole
}

export type CheckpointTable = { projection: string; sequence: Whole }

export type CoordinatorDatabase = CheckpointDatabase & {
  sessions: SessionsTable
  participants: ParticipantsTable
  keys: KeysTable
  checkpoint: CheckpointTable
}
