/** The accounts' schema, step by step. A step that has been released is never changed. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const accounts: Migration = {
  up: async (database: Kysely<unknown>) => {
    await database.schema
      .createTable('accounts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('email', 'text', (column) => column.notNull())
      .addColumn('phone', 'text', (column) => column.notNull())
      .addColumn('public_key', 'bytea', (column) => column.notNull())
      .addColumn('created_at', 'timestamptz', (column) => column.notNull())
      .execute()
    // "Alice" and "alice" would be taken for one another.
    await sql`create unique index accounts_username on accounts (lower(username))`.execute(database)
  },
}

/** In the row itself: what tells of a person's request is erased with the account. */
const repeatable: Migration = {
  up: async (database: Kysely<unknown>) => {
    await database.schema
      .alterTable('accounts')
      .addColumn('idempotency_key', 'text')
      .addColumn('request_hash', 'bytea')
      .execute()
    await sql`create unique index accounts_idempotency_key on accounts (idempotency_key)`.execute(database)
  },
}

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-accounts': accounts,
  '0002-repeatable': repeatable,
}
