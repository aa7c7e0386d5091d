/**
 * The schema in which the read model is built anew beside the one in use. It survives whoever builds it: the next one
 * goes on where it stands, unless it is of another release or of another log.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { sql, type Kysely } from 'kysely'
import { version } from '../../../edge/version.ts'
import type { LogReader } from '../../../events/event-log.ts'
import { sessionIdOf } from '../../../events/subjects.ts'
import { openSchema, readModelSchema } from '../database.ts'
import { migrations } from '../migrations.ts'
import { sessionProjection } from '../session-projection.ts'
import type { CoordinatorDatabase } from '../tables.ts'

export const shadowSchema = `${readModelSchema}_rebuild`

type Db = Kysely<CoordinatorDatabase>

/** `live` is the read model in use: the shadow may not be ahead of it. Throws what the database driver throws. */
export async function openShadow(url: string, live: Db, log: LogReader, onLost: (error: Error) => void): Promise<Db> {
  const { rows } = await sql<{ builder: string | null }>`
    select obj_description(oid, 'pg_namespace') as builder from pg_namespace where nspname = ${shadowSchema}
  `.execute(live)
  if (rows[0]?.builder === builder) {
    const left = await openSchema(url, shadowSchema, onLost)
    if (await canGoOn(left, live, log)) return left
    await left.destroy()
  }
  await dropShadow(live)
  const fresh = await openSchema(url, shadowSchema, onLost)
  await sql`comment on schema ${sql.id(shadowSchema)} is ${sql.lit(builder)}`.execute(fresh)
  return fresh
}

export async function dropShadow(database: Db): Promise<void> {
  await sql`drop schema if exists ${sql.id(shadowSchema)} cascade`.execute(database)
}

/** The release, and the tables that it makes. */
const builder = `mpc-system ${version} ${Object.keys(migrations).join(' ')}`

/** The last event that was applied must still be the one in the log. */
async function canGoOn(shadow: Db, live: Db, log: LogReader): Promise<boolean> {
  const position = await sessionProjection.checkpoint(shadow)
  if (position === 0) return true
  if (position > (await sessionProjection.checkpoint(live))) return false
  const event = await log.at('SESSIONS', position)
  const sessionId = event === null ? null : sessionIdOf(event.subject)
  if (event === null || sessionId === null) return false
  const session = shadow.selectFrom('sessions').select('chain_head').where('session_id', '=', sessionId)
  return (await session.executeTakeFirst())?.chain_head.equals(sha256(event.data)) ?? false
}
