/** The coordinator's connection to Postgres. Every connection sees its own schema first, so tables need no prefix. */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { migrate, schemaName } from './migrations.ts'
import type { CoordinatorDatabase } from './tables.ts'

const maxConnections = 5
const connectTimeoutMs = 5000
const statementTimeoutMs = 30_000

/** Connects and migrates. `onError` is told when a connection is lost. Throws what the driver throws. */
export async function openDatabase(
  url: string,
  onError: (error: Error) => void,
): Promise<Kysely<CoordinatorDatabase>> {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    options: `-c search_path=${schemaName}`,
    application_name: 'session-coordinator',
  })
  pool.on('error', onError)
  // A connection that is lost while it is in use tells so itself, and would otherwise end the process.
  pool.on('connect', (client) => client.on('error', onError))
  const database = new Kysely<CoordinatorDatabase>({ dialect: new PostgresDialect({ pool }) })
  try {
    await migrate(database)
    return database
  } catch (error) {
    await database.destroy()
    throw error
  }
}
