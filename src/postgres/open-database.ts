/** A service's connection to Postgres: its own schema in the common database, brought up to date at start. */
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import pg from 'pg'
import { ConfigurationError } from '../edge/configuration-error.ts'
import { isDatabaseUnavailable, reasonOf } from './unavailable.ts'

export type DatabaseOptions = Readonly<{
  url: string
  /** Every connection sees this schema first, so tables need no prefix. */
  schema: string
  /** Steps by name, in the order of their names, never changed once released. Absent: the schema is taken as it is. */
  migrations?: Readonly<Record<string, Migration>>
  /** Shown in the server's list of connections. */
  application: string
  maxConnections: number
  /** 0: none. */
  statementTimeoutMs: number
  /** Told when a connection is lost. */
  onConnectionLost: (error: Error) => void
}>

const connectTimeoutMs = 5_000

/** Throws ConfigurationError ('DATABASE_URL') when the database cannot be used, without repeating the password. */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Kysely<Tables>> {
  const { url, schema, migrations, application, onConnectionLost } = options
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    options: `-c search_path=${schema}`,
    application_name: application,
  })
  pool.on('error', onConnectionLost)
  // A connection that is lost while it is in use tells so itself, and would otherwise end the process.
  pool.on('connect', (client) => client.on('error', onConnectionLost))
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    if (migrations === undefined) await sql`select 1`.execute(database)
    else await migrate(database, schema, migrations)
    return database
  } catch (error) {
    await database.destroy()
    if (!isDatabaseUnavailable(error)) throw error
    throw new ConfigurationError('DATABASE_URL', `Postgres at ${new URL(url).host} cannot be used: ${reasonOf(error)}`)
  }
}

/** Several services may do so at once: the migrator takes a lock. */
async function migrate<Tables>(
  database: Kysely<Tables>,
  schema: string,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const provider = { getMigrations: async () => ({ ...migrations }) }
  const { error } = await new Migrator({ db: database, provider, migrationTableSchema: schema }).migrateToLatest()
  if (error !== undefined) throw error
}
