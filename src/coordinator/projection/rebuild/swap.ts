/**
 * Puts the rebuilt read model in the place of the one in use, in one transaction. Nobody can apply events meanwhile:
 * whoever does takes its checkpoint first, and finds the new one, at the same position, when this is over.
 */
import { sql, type Kysely } from 'kysely'
import { readModelSchema } from '../database.ts'
import { sessionProjection } from '../session-projection.ts'
import type { CoordinatorDatabase } from '../tables.ts'
import { shadowSchema } from './shadow.ts'

/** In the order in which others lock them. */
const tables = ['checkpoint', 'sessions', 'participants', 'keys'] as const

/** Readers that come meanwhile wait no longer than this. */
const lockTimeoutMs = 2_000
const attempts = 10

/**
 * `catchUp` brings the rebuilt one up to the position that the one in use has then. Resolves to that position. Throws
 * what the database driver throws, with nothing changed.
 */
export async function swapReadModels(
  live: Kysely<CoordinatorDatabase>,
  catchUp: (position: number) => Promise<void>,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await trySwap(live, catchUp)
    } catch (error) {
      if (!isLockTimeout(error) || attempt === attempts) throw error
    }
  }
}

function trySwap(
  live: Kysely<CoordinatorDatabase>,
  catchUp: (position: number) => Promise<void>,
): Promise<number> {
  return live.transaction().execute(async (transaction) => {
    await sql`set local lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(transaction)
    // Holds up who applies, not who reads.
    await sql`lock table ${inUse('checkpoint')} in exclusive mode`.execute(transaction)
    const position = await sessionProjection.checkpoint(transaction)
    await catchUp(position)
    for (const table of tables) {
      await sql`lock table ${inUse(table)} in access exclusive mode`.execute(transaction)
    }
    await sql`create schema ${sql.id(replacedSchema)}`.execute(transaction)
    for (const table of tables) {
      await sql`alter table ${inUse(table)} set schema ${sql.id(replacedSchema)}`.execute(transaction)
      const rebuilt = sql.id(shadowSchema, table)
      await sql`alter table ${rebuilt} set schema ${sql.id(readModelSchema)}`.execute(transaction)
    }
    const replaced = tables.map((table) => sql.id(replacedSchema, table))
    await sql`drop table ${sql.join(replaced)}`.execute(transaction)
    await sql`drop schema ${sql.id(replacedSchema)}`.execute(transaction)
    await sql`drop schema ${sql.id(shadowSchema)} cascade`.execute(transaction)
    return position
  })
}

const replacedSchema = `${readModelSchema}_replaced`

function inUse(table: string) {
  return sql.id(readModelSchema, table)
}

/** SQLSTATE lock_not_available. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}
