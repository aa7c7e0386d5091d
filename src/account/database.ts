/** The account service's tables. Accounts are personal data: plain, erasable rows. */
import type { Kysely } from 'kysely'
import { openDatabase } from '../postgres/open-database.ts'
import { migrations } from './migrations.ts'

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

/** Connects and migrates. Throws ConfigurationError ('DATABASE_URL'). */
export function openAccounts(url: string, onConnectionLost: (error: Error) => void): Promise<Kysely<AccountDatabase>> {
  return openDatabase({
    url,
    schema: 'account',
    migrations,
    application: 'account-service',
    maxConnections: 10,
    statementTimeoutMs: 10_000,
    onConnectionLost,
  })
}
