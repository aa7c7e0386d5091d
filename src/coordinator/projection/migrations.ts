/** The read model's schema, step by step. A step that has been released is never changed. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const readModel: Migration = {
  up: async (database: Kysely<unknown>) => {
    await database.schema
      .createTable('sessions')
      .addColumn('session_id', 'text', (column) => column.primaryKey())
      .addColumn('session_type', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('threshold_t', 'integer', (column) => column.notNull())
      .addColumn('threshold_n', 'integer', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('changed_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('message_hash', 'bytea')
      .addColumn('key_id', 'text')
      .addColumn('public_key', 'bytea')
      .addColumn('signature', 'bytea')
      .addColumn('recovery_id', 'integer')
      .addColumn('roster_hash', 'bytea')
      .addColumn('failure_reason', 'text')
      .addColumn('failure_reported_by', 'text')
      .addColumn('failure_culprits', sql`text[]`, (column) => column.notNull().defaultTo(sql`'{}'`))
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('chain_head', 'bytea', (column) => column.notNull())
      .execute()
    await sql`create index sessions_open on sessions (expires_at_ms)
      where status in ('created', 'waiting', 'in_progress')`.execute(database)
    await database.schema
      .createTable('participants')
      .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.session_id'))
      .addColumn('party_index', 'integer', (column) => column.notNull())
      .addColumn('party_id', 'text', (column) => column.notNull())
      .addColumn('device_type', 'text', (column) => column.notNull())
      .addColumn('device_id', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('identity_key', 'bytea')
      .addPrimaryKeyConstraint('participants_pkey', ['session_id', 'party_index'])
      .execute()
    await sql`create index participants_invited on participants (device_id)
      where device_type = 'server' and status = 'waiting'`.execute(database)
    await database.schema
      .createTable('keys')
      .addColumn('key_id', 'text', (column) => column.primaryKey())
      .addColumn('public_key', 'bytea', (column) => column.notNull())
      .addColumn('threshold_t', 'integer', (column) => column.notNull())
      .addColumn('threshold_n', 'integer', (column) => column.notNull())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .execute()
    await database.schema.createIndex('keys_public_key').on('keys').column('public_key').execute()
    await database.schema
      .createTable('checkpoint')
      .addColumn('projection', 'text', (column) => column.primaryKey())
      .addColumn('sequence', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** What was there before is of the type that there was before. */
const keyTypes: Migration = {
  up: async (database: Kysely<unknown>) => {
    for (const table of ['sessions', 'keys']) {
      await database.schema
        .alterTable(table)
        .addColumn('key_type', 'text', (column) => column.notNull().defaultTo('ecdsa-secp256k1'))
        .execute()
    }
    await database.schema.alterTable('sessions').addColumn('message', 'bytea').execute()
  },
}

/** What is known of the log itself, beside the read model. */
const logCheckpoints: Migration = {
  up: async (database: Kysely<unknown>) => {
    await database.schema
      .createTable('log_checkpoints')
      .addColumn('sequence', 'bigint', (column) => column.primaryKey())
      .addColumn('time_ms', 'bigint', (column) => column.notNull())
      .addColumn('sessions_size', 'bigint', (column) => column.notNull())
      .addColumn('messages_size', 'bigint', (column) => column.notNull())
      .addColumn('stored', 'bytea', (column) => column.notNull())
      .execute()
    await database.schema
      .createTable('log_trees')
      .addColumn('stream', 'text', (column) => column.primaryKey())
      .addColumn('checkpoint', 'bigint', (column) => column.notNull())
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('subtrees', 'bytea', (column) => column.notNull())
      .execute()
  },
}

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-read-model': readModel,
  '0002-key-types': keyTypes,
  '0003-log-checkpoints': logCheckpoints,
}
