/** Accounts in Postgres. Refuses with 'conflict' and 'unavailable'; knows nothing of requests. */
import type { Kysely, Selectable } from 'kysely'
import { usedForAnotherRequest } from '../edge/idempotency.ts'
import { Refusal } from '../edge/refusal.ts'
import { isDatabaseUnavailable } from '../postgres/unavailable.ts'
import type { AccountDatabase } from './database.ts'

type AccountRow = Selectable<AccountDatabase['accounts']>

export type Account = Readonly<{
  id: string
  username: string
  email: string
  phone: string
  /** 33 bytes (secp256k1, compressed) or 32. */
  publicKey: Uint8Array
  createdAt: Date
}>

/** How a repeated request is known: its scoped Idempotency-Key and the SHA-256 of what it asks for. */
export type Repeatable = Readonly<{ key: string; requestHash: Uint8Array }>

export type AccountStore = Readonly<{
  /**
   * The account as stored: the one that was made under the same key before, where there is one. Throws Refusal
   * 'conflict' naming `username` (names that differ only in case are the same) or Idempotency-Key.
   */
  insert: (account: Account, repeatable: Repeatable | null) => Promise<Account>
  find: (id: string) => Promise<Account | null>
  /** Removes the account with all its personal data. False where there was none. */
  erase: (id: string) => Promise<boolean>
  isReachable: () => Promise<boolean>
}>

export function createAccountStore(database: Kysely<AccountDatabase>): AccountStore {
  return {
    insert: (account, repeatable) => orRefuse(() => insert(database, account, repeatable)),
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

async function insert(
  database: Kysely<AccountDatabase>,
  account: Account,
  repeatable: Repeatable | null,
): Promise<Account> {
  const { publicKey, createdAt, ...same } = account
  const repetition = repeatable && {
    idempotency_key: repeatable.key,
    request_hash: Buffer.from(repeatable.requestHash),
  }
  const row = { ...same, public_key: Buffer.from(publicKey), created_at: createdAt, ...repetition }
  try {
    await database.insertInto('accounts').values(row).execute()
    return account
  } catch (error) {
    // Unique indexes arbitrate between requests at the same time; any of them may have noticed the repetition.
    const earlier = isTaken(error) && repeatable !== null ? await findByKey(database, repeatable.key) : undefined
    if (earlier === undefined || repeatable === null) throw error
    if (earlier.request_hash?.equals(repeatable.requestHash) !== true) throw usedForAnotherRequest()
    return accountOf(earlier)
  }
}

function findByKey(database: Kysely<AccountDatabase>, key: string): Promise<AccountRow | undefined> {
  return database.selectFrom('accounts').selectAll().where('idempotency_key', '=', key).executeTakeFirst()
}

async function find(database: Kysely<AccountDatabase>, id: string): Promise<Account | null> {
  const row = await database.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : accountOf(row)
}

function accountOf({ id, username, email, phone, public_key, created_at }: AccountRow): Account {
  return { id, username, email, phone, publicKey: Uint8Array.from(public_key), createdAt: created_at }
}

async function erase(database: Kysely<AccountDatabase>, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('accounts').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

async function orRefuse<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query()
  } catch (error) {
    if (isTaken(error)) throw new Refusal('conflict', 'the username is taken', { username: 'is taken' })
    if (isDatabaseUnavailable(error))
      throw new Refusal('unavailable', 'accounts cannot be read at the moment; try again later')
    throw error
  }
}

/** SQLSTATE 23505, unique_violation: ids are random, so it is the username's, or else the key's. */
function isTaken(error: unknown): boolean {
  return (error as { code?: unknown }).code === '23505' // a field of pg's DatabaseError
}
