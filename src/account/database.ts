/** The account service's tables and its connection to Postgres. Accounts are personal data: plain, erasable rows. */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { ConfigurationError } from '../edge/configuration-error.ts'
import { migrate, schemaName } from './migrations.ts'

export type AccountDatabase = {
  accounts: {
    id: string
    username: string
    /** Empty where none was given, as `phone`. */
    email: string
    phone: string
    /** Compressed, 33 bytes. */
    public_key: Buffer
    created_at: Date
  }
}

const maxConnections = 10
const connectTimeoutMs = 5_000
const statementTimeoutMs = 10_000

/** Connects and migrates. `onIdleError` hears of lost idle connections. Throws ConfigurationError ('DATABASE_URL'). */
export async function openDatabase(url: string, onIdleError: (error: Error) => void): Promise<Kysely<AccountDatabase>> {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    options: `-c search_path=${schemaName}`,
    application_name: 'account-service',
  })
  pool.on('error', onIdleError)
  // A connection that is lost while it is in use tells so itself, and would otherwise end the process.
  pool.on('connect', (client) => client.on('error', onIdleError))
  const database = new Kysely<AccountDatabase>({ dialect: new PostgresDialect({ pool }) })
  try {
    await migrate(database)
    return database
  } catch (error) {
    await database.destroy()
    if (!isDatabaseUnavailable(error)) throw error
    throw new ConfigurationError('DATABASE_URL', `Postgres at ${new URL(url).host} cannot be used: ${reasonOf(error)}`)
  }
}

/** True where the database cannot be had at the moment; a later try may succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return error instanceof Error && (unavailableCodes.test(codeOf(error)) || unavailableMessages.test(error.message))
}

/** SQLSTATE classes 08 connection, 28 authorization, 3D no such database, 53 resources, 57P shutdown; socket errors. */
const unavailableCodes =
  /^(08|28|3D|53|57P)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND)$/

/** Of the driver and its pool, which give these no code. */
const unavailableMessages = /^(timeout exceeded when trying to connect|connection terminated)/i

/** What the server or the socket said; neither ever repeats the password. */
function reasonOf(error: unknown): string {
  // Where a name has several addresses, the error is an AggregateError without a message.
  return error instanceof Error && error.message !== '' ? error.message : codeOf(error)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
