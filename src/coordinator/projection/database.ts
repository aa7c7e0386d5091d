/** The coordinator's read model in Postgres. */
import type { Kysely } from 'kysely'
import { openDatabase } from '../../postgres/open-database.ts'
import { migrations } from './migrations.ts'
import type { CoordinatorDatabase } from './tables.ts'

/** Connects and migrates. Throws ConfigurationError ('DATABASE_URL'). */
export function openReadModel(
  url: string,
  onConnectionLost: (error: Error) => void,
): Promise<Kysely<CoordinatorDatabase>> {
  return openDatabase({
    url,
    schema: 'coordinator',
    migrations,
    application: 'session-coordinator',
    maxConnections: 5,
    statementTimeoutMs: 30_000,
    onConnectionLost,
  })
}
