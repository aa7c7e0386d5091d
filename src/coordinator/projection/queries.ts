/** What the coordinator asks its read model. */
import type { Kysely } from 'kysely'
import type { CoordinatorDatabase } from './tables.ts'

type Db = Kysely<CoordinatorDatabase>

const openStatuses = ['created', 'waiting', 'in_progress'] as const

/** The key id of a public key (33 bytes), or null. Of two keys that claim one public key the first made counts. */
export async function keyIdOf(database: Db, publicKey: Uint8Array): Promise<string | null> {
  const row = await database
    .selectFrom('keys')
    .select('key_id')
    .where('public_key', '=', Buffer.from(publicKey))
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst()
  return row?.key_id ?? null
}

/** Open sessions whose time is up, the longest overdue first. */
export async function overdueSessions(database: Db, nowMs: number, limit: number): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('sessions')
    .select('session_id')
    .where('status', 'in', openStatuses)
    .where('expires_at_ms', '<=', String(nowMs))
    .orderBy('expires_at_ms')
    .limit(limit)
    .execute()
  return rows.map((row) => row.session_id)
}

/** Running sessions that nothing happened in since `beforeMs` although every party has reported. */
export async function unsettledSessions(database: Db, beforeMs: number, limit: number): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('sessions')
    .select('session_id')
    .where('status', '=', 'in_progress')
    .where('changed_at_ms', '<=', String(beforeMs))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('participants')
            .select('party_id')
            .whereRef('participants.session_id', '=', 'sessions.session_id')
            .where('participants.status', '!=', 'completed'),
        ),
      ),
    )
    .limit(limit)
    .execute()
  return rows.map((row) => row.session_id)
}

/** Open sessions in which the server party under this device id has not joined yet, oldest first. */
export async function openInvitations(database: Db, deviceId: string, limit: number): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('sessions')
    .innerJoin('participants', 'participants.session_id', 'sessions.session_id')
    .select('sessions.session_id')
    .where('participants.device_type', '=', 'server')
    .where('participants.device_id', '=', deviceId)
    .where('participants.status', '=', 'waiting')
    .where('sessions.status', 'in', openStatuses)
    .orderBy('sessions.created_at_ms')
    .limit(limit)
    .execute()
  return rows.map((row) => row.session_id)
}
