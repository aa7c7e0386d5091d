/** The coordinator's read model in Postgres. */
import { sql, type Kysely } from 'kysely'
import { openDatabase } from '../../postgres/open-database.ts'
import { migrations } from './migrations.ts'
import type { CoordinatorDatabase } from './tables.ts'

export const readModelSchema = 'coordinator'

type OnLost = (error: Error) => void

/** Connects and migrates. Throws ConfigurationError ('DATABASE_URL'). */
export function openReadModel(url: string, onConnectionLost: OnLost): Promise<Kysely<CoordinatorDatabase>> {
  return openDatabase({ ...options(url, readModelSchema, onConnectionLost), migrations })
}

/** A read model in another schema, for whoever builds one beside the one in use. Throws as above. */
export function openSchema(
  url: string,
  schema: string,
  onConnectionLost: OnLost,
): Promise<Kysely<CoordinatorDatabase>> {
  return openDatabase({ ...options(url, schema, onConnectionLost), statementTimeoutMs: 0, migrations })
}

/**
 * The read model in use, as it is. Throws ConfigurationError as above, OtherSchema when there is none or when it is not
 * of this release.
 */
export async function openReadModelInUse(
  url: string,
  onConnectionLost: OnLost,
): Promise<Kysely<CoordinatorDatabase>> {
  const inUse = { ...options(url, readModelSchema, onConnectionLost), statementTimeoutMs: 0 }
  const database = await openDatabase<CoordinatorDatabase>(inUse)
  try {
    const present = await migrationsIn(database)
    const own = Object.keys(migrations).join(' ')
    if (present === own) return database
    if (present === '') throw new OtherSchema('Postgres holds no read model: start a coordinator, it builds one')
    const which = `the read model has the tables of another release (${present}, here ${own})`
    throw new OtherSchema(`${which}: start this release's coordinator`)
  } catch (error) {
    await database.destroy()
    throw error
  }
}

/** The tables in Postgres are not those of this release. */
export class OtherSchema extends Error {
  override readonly name = 'OtherSchema'
}

async function migrationsIn(database: Kysely<CoordinatorDatabase>): Promise<string> {
  const table = `${readModelSchema}.kysely_migration`
  const found = await sql<{ found: boolean }>`select to_regclass(${table}) is not null as found`.execute(database)
  if (found.rows[0]?.found !== true) return ''
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)} order by name`.execute(database)
  return rows.map(({ name }) => name).join(' ')
}

function options(url: string, schema: string, onConnectionLost: OnLost) {
  return {
    url,
    schema,
    application: 'session-coordinator',
    maxConnections: 5,
    statementTimeoutMs: 30_000,
    onConnectionLost,
  }
}
