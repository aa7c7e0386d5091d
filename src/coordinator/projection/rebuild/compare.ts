/**
 * Two read models at one position, table by table: a hash of everything in each, and the first row in which they
 * differ. Rows are read in the order of their keys through a cursor, so memory is bounded whatever the size of a table.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { sql, type Kysely, type Transaction } from 'kysely'
import type { CoordinatorDatabase } from '../tables.ts'

type Row = Readonly<Record<string, unknown>>
type Key = readonly (string | number)[]

/** What is compared, with the columns of its key. The checkpoint is what both have in common. */
const tables = [
  { name: 'sessions', key: ['session_id'] },
  { name: 'participants', key: ['session_id', 'party_index'] },
  { name: 'keys', key: ['key_id'] },
] as const

type TableSpec = (typeof tables)[number]

export type TableComparison = Readonly<{
  table: TableSpec['name']
  rows: number
  /** SHA-256 over all rows, hex: of what is in use, and of what was built from the log. */
  before: string
  after: string
  /** The first row that differs, by key, and how. Null where both are identical. */
  difference: Readonly<{ key: string; how: string }> | null
}>

/** Both stay as they are: each is read in one snapshot. `rows` of the result counts the rebuilt ones. */
export async function compareReadModels(
  live: Transaction<CoordinatorDatabase>,
  rebuilt: Kysely<CoordinatorDatabase>,
): Promise<readonly TableComparison[]> {
  return rebuilt
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (snapshot) => {
      const compared: TableComparison[] = []
      for (const table of tables) compared.push(await compareTable(table, live, snapshot))
      return compared
    })
}

async function compareTable(
  table: TableSpec,
  live: Transaction<CoordinatorDatabase>,
  rebuilt: Transaction<CoordinatorDatabase>,
): Promise<TableComparison> {
  const [before, after] = [hashedRows(table, live), hashedRows(table, rebuilt)]
  let difference: TableComparison['difference'] = null
  let old = await before.next()
  let fresh = await after.next()
  while (old !== null || fresh !== null) {
    const order = old === null ? 1 : fresh === null ? -1 : compareKeys(old.key, fresh.key)
    difference ??= differenceOf(order, old, fresh)
    if (order <= 0) old = await before.next()
    if (order >= 0) fresh = await after.next()
  }
  return { table: table.name, rows: after.count(), before: before.hash(), after: after.hash(), difference }
}

type KeyedRow = Readonly<{ key: Key; text: string; row: Row }>

function differenceOf(order: number, old: KeyedRow | null, fresh: KeyedRow | null): TableComparison['difference'] {
  if (order < 0) return { key: describeKey(old), how: 'is not in the log' }
  if (order > 0) return { key: describeKey(fresh), how: 'is missing' }
  if (old === null || fresh === null || old.text === fresh.text) return null
  const columns = Object.keys(fresh.row).filter((name) => canonical(old.row[name]) !== canonical(fresh.row[name]))
  return { key: describeKey(fresh), how: `differs in ${columns.join(', ')}` }
}

/** The rows of a table in the order of their keys, and a hash of those that were read. */
function hashedRows(table: TableSpec, transaction: Transaction<CoordinatorDatabase>) {
  const hash = sha256.create()
  const encoder = new TextEncoder()
  const rows = readRows(table, transaction)
  let count = 0
  return {
    next: async (): Promise<KeyedRow | null> => {
      const next = await rows.next()
      if (next.done === true) return null
      const row = next.value
      const text = JSON.stringify(Object.keys(row).sort().map((name) => [name, canonical(row[name])]))
      hash.update(encoder.encode(`${text}\n`))
      count += 1
      // Columns of a key are text or integer.
      return { key: table.key.map((name) => row[name] as string | number), text, row }
    },
    count: () => count,
    hash: () => bytesToHex(hash.digest()),
  }
}

const rowsPerFetch = 2000

async function* readRows(table: TableSpec, transaction: Transaction<CoordinatorDatabase>): AsyncGenerator<Row> {
  const cursor = sql.id(`compared_${table.name}`)
  // Bytes in order, whatever the collation of the database.
  const order = table.key.map((name) => (name === 'party_index' ? sql.id(name) : sql`${sql.id(name)} collate "C"`))
  await sql`declare ${cursor} no scroll cursor for select * from ${sql.id(table.name)} order by ${sql.join(order)}`
    .execute(transaction)
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(rowsPerFetch)} from ${cursor}`.execute(transaction)
    yield* rows
    if (rows.length < rowsPerFetch) break
  }
  await sql`close ${cursor}`.execute(transaction)
}

/** One text for one value: the driver gives text, numbers, null, bytes and lists of text. */
function canonical(value: unknown): string {
  return Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : JSON.stringify(value ?? null)
}

/** Ids are ASCII: their order as UTF-16 is that as bytes. */
function compareKeys(left: Key, right: Key): number {
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? part
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}

function describeKey(row: KeyedRow | null): string {
  return row === null ? '' : row.key.join('/')
}
