/** Accounts in Postgres. Refuses with 'conflict' and 'unavailable'; knows nothing of requests. */
import type { Kysely } from 'kysely'
import { Refusal } from '../edge/refusal.ts'
import { isDatabaseUnavailable } from '../postgres/unavailable.ts'
import type { AccountDatabase } from './database.ts'

export type Account = Readonly<{
  id: string
  username: string
  email: string
  phone: string
  /** Compressed, 33 bytes. */
  publicKey: Uint8Array
  createdAt: Date
}>

export type AccountStore = Readonly<{
  /** Throws Refusal 'conflict' naming `username`; names that differ only in case are the same. */
  insert: (account: Account) => Promise<void>
  find: (id: string) => Promise<Account | null>
  /** Removes the account with all its personal data. False where there was none. */
  erase: (id: string) => Promise<boolean>
  isReachable: () => Promise<boolean>
}>

export function createAccountStore(database: Kysely<AccountDatabase>): AccountStore {
  return {
    insert: (account) => orRefuse(() => insert(database, account)),
    find: (id) => orRefuse(() => find(database, id)),
    erase: (id) => orRefuse(() => erase(database, id)),
    isReachable: () =>
      database
        .selectNoFrom((expression) => expression.lit(1).as('one'))
        .execute()
        .then(
          () => true,
          () => false,
        ),
  }
}

async function insert(database: Kysely<AccountDatabase>, account: Account): Promise<void> {
  const { publicKey, createdAt, ...same } = account
  await database
    .insertInto('accounts')
    .values({ ...same, public_key: Buffer.from(publicKey), created_at: createdAt })
    .execute()
}

async function find(database: Kysely<AccountDatabase>, id: string): Promise<Account | null> {
  const row = await database.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  const { public_key, created_at, ...same } = row
  return { ...same, publicKey: Uint8Array.from(public_key), createdAt: created_at }
}

async function erase(database: Kysely<AccountDatabase>, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('accounts').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

async function orRefuse<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    if (isUsernameTaken(error)) throw new Refusal('conflict', 'the username is taken', { username: 'is taken' })
    if (isDatabaseUnavailable(error))
      throw new Refusal('unavailable', 'accounts cannot be read at the moment; try again later')
    throw error
  }
}

/** SQLSTATE 23505, unique_violation. */
function isUsernameTaken(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown } // fields of pg's DatabaseError
  return code === '23505' && constraint === 'accounts_username'
}
