/**
 * Lifecycle events into the read model: one small change per event, the same whenever and however often it is rebuilt.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { sql, type Kysely, type Transaction, type Updateable } from 'kysely'
import type { StoredEvent } from '../../events/event-log.ts'
import type { Projection } from '../../events/projection-runner.ts'
import { decodeEvent } from '../../events/session-event.ts'
import { allSessions } from '../../events/subjects.ts'
import type {
  PartyJoined,
  SessionCompleted,
  SessionCreated,
  SessionEvent,
  SessionFailed,
} from '../../gen/mpc/events/v1/session_events_pb.ts'
import { keyTypeOf } from '../session-state.ts'
import type { CoordinatorDatabase, SessionsTable } from './tables.ts'

type Db = Kysely<CoordinatorDatabase>
type Tx = Transaction<CoordinatorDatabase>

const name = 'sessions'

export const sessionProjection: Projection<CoordinatorDatabase> = {
  filter: allSessions,
  checkpoint: async (database: Db) => {
    const query = database.selectFrom('checkpoint').select('sequence').where('projection', '=', name)
    return Number((await query.executeTakeFirst())?.sequence ?? 0)
  },
  lockCheckpoint: async (transaction: Tx) => {
    await transaction
      .insertInto('checkpoint')
      .values({ projection: name, sequence: 0 })
      .onConflict((conflict) => conflict.column('projection').doNothing())
      .execute()
    const locked = transaction.selectFrom('checkpoint').select('sequence').where('projection', '=', name).forUpdate()
    return Number((await locked.executeTakeFirstOrThrow()).sequence)
  },
  moveCheckpoint: async (transaction: Tx, sequence: number) => {
    await transaction.updateTable('checkpoint').set({ sequence }).where('projection', '=', name).execute()
  },
  apply: async (transaction: Tx, events: readonly StoredEvent[]) => {
    for (const stored of events) await applyEvent(transaction, stored, decodeEvent(stored.data))
  },
}

/** Empties the read model; the next start of the projection fills it again. */
export async function dropReadModel(database: Db): Promise<void> {
  await sql`truncate participants, keys, sessions, checkpoint`.execute(database)
}

async function applyEvent(transaction: Tx, stored: StoredEvent, event: SessionEvent): Promise<void> {
  const { payload, sessionId } = event
  switch (payload.case) {
    case 'sessionCreated':
      return insertSession(transaction, stored, event, payload.value)
    case 'partyJoined':
      await applyJoined(transaction, sessionId, payload.value)
      return changeSession(transaction, stored, event, { status: 'waiting' })
    case 'partyReady':
      await setStatus(transaction, sessionId, 'ready', [payload.value.partyId])
      return changeSession(transaction, stored, event, {})
    case 'sessionStarted': {
      await setStatus(transaction, sessionId, 'computing')
      const rosterHash = orNull(payload.value.rosterHash)
      return changeSession(transaction, stored, event, { status: 'in_progress', roster_hash: rosterHash })
    }
    case 'partyCompleted':
      await setStatus(transaction, sessionId, 'completed', [payload.value.partyId])
      return changeSession(transaction, stored, event, {})
    case 'sessionCompleted':
      return applyCompleted(transaction, stored, event, payload.value)
    case 'sessionFailed':
      return applyFailed(transaction, stored, event, payload.value)
    case 'sessionExpired':
      return changeSession(transaction, stored, event, { status: 'expired' })
    case 'sessionClosed':
      return changeSession(transaction, stored, event, { status: 'failed', failure_reason: 'closed' })
    case undefined:
      return changeSession(transaction, stored, event, {})
    default:
      payload satisfies never
  }
}

async function insertSession(
  transaction: Tx,
  stored: StoredEvent,
  event: SessionEvent,
  created: SessionCreated,
): Promise<void> {
  await transaction
    .insertInto('sessions')
    .values({
      session_id: event.sessionId,
      session_type: created.sessionType,
      key_type: keyTypeOf(created),
      status: 'created',
      threshold_t: created.thresholdT,
      threshold_n: created.thresholdN,
      created_at_ms: Number(event.timeMs),
      expires_at_ms: Number(created.expiresAtMs),
      changed_at_ms: Number(event.timeMs),
      message_hash: orNull(created.messageHash),
      message: orNull(created.message),
      key_id: created.keyId || null,
      public_key: orNull(created.publicKey),
      failure_culprits: [],
      version: Number(event.sessionSequence),
      chain_head: sha256(stored.data),
    })
    .execute()
  const participants = created.participants.map((invited, index) => ({
    session_id: event.sessionId,
    party_index: index,
    party_id: invited.partyId,
    device_type: invited.deviceType,
    device_id: invited.deviceId,
    status: 'waiting',
  }))
  await transaction.insertInto('participants').values(participants).execute()
}

/** Every event moves the session's version and chain head. */
async function changeSession(
  transaction: Tx,
  stored: StoredEvent,
  event: SessionEvent,
  change: Updateable<SessionsTable>,
): Promise<void> {
  const version = Number(event.sessionSequence)
  const moved = { ...change, version, chain_head: sha256(stored.data), changed_at_ms: Number(event.timeMs) }
  await transaction.updateTable('sessions').set(moved).where('session_id', '=', event.sessionId).execute()
}

async function applyJoined(transaction: Tx, sessionId: string, joined: PartyJoined): Promise<void> {
  await transaction
    .updateTable('participants')
    .set((row) => ({
      status: 'joined',
      // What the creator said about the device stands; the party fills in what the creator left open.
      device_type: row.fn.coalesce(sql<string>`nullif(device_type, '')`, row.val(joined.deviceType)),
      device_id: row.fn.coalesce(sql<string>`nullif(device_id, '')`, row.val(joined.deviceId)),
      identity_key: joined.keys === undefined ? null : joined.keys.identityKey,
    }))
    .where('session_id', '=', sessionId)
    .where('party_id', '=', joined.partyId)
    .execute()
}

async function applyCompleted(
  transaction: Tx,
  stored: StoredEvent,
  event: SessionEvent,
  completed: SessionCompleted,
): Promise<void> {
  if (completed.signature.length > 0) {
    const { signature, recoveryId } = completed
    return changeSession(transaction, stored, event, { status: 'completed', signature, recovery_id: recoveryId })
  }
  const { publicKey } = completed
  await changeSession(transaction, stored, event, { status: 'completed', public_key: publicKey })
  await transaction
    .insertInto('keys')
    .columns(['key_id', 'key_type', 'public_key', 'threshold_t', 'threshold_n', 'sequence'])
    .expression((from) =>
      from
        .selectFrom('sessions')
        .select((row) => [
          'session_id',
          'key_type',
          row.val(publicKey).as('public_key'),
          'threshold_t',
          'threshold_n',
          sql<number>`${stored.sequence}::bigint`.as('sequence'),
        ])
        .where('session_id', '=', event.sessionId),
    )
    .execute()
}

async function applyFailed(
  transaction: Tx,
  stored: StoredEvent,
  event: SessionEvent,
  { reason, reportedBy, culprits }: SessionFailed,
): Promise<void> {
  await setStatus(transaction, event.sessionId, 'failed', [reportedBy, ...culprits])
  await changeSession(transaction, stored, event, {
    status: 'failed',
    failure_reason: reason,
    failure_reported_by: reportedBy || null,
    failure_culprits: culprits,
  })
}

async function setStatus(
  transaction: Tx,
  sessionId: string,
  status: string,
  parties?: readonly string[],
): Promise<void> {
  const update = transaction.updateTable('participants').set({ status }).where('session_id', '=', sessionId)
  await (parties === undefined ? update : update.where('party_id', 'in', parties)).execute()
}

function orNull(bytes: Uint8Array): Uint8Array | null {
  return bytes.length > 0 ? bytes : null
}
