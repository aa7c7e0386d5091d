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
    /** 33 bytes (secp256k1, compressed) or 32. */
    public_key: Buffer
    created_at: Date
    /** Of a creation that may be repeated: the key as its caller's, and SHA-256 of the request. */
    idempotency_key: string | null
    request_hash: Buffer | null
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
