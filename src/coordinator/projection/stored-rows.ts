/** Rows of many sessions from Postgres and back, in a few statements whatever their number. */
import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { Changes, ParticipantRow, SessionRows } from './session-rows.ts'
import type { CoordinatorDatabase } from './tables.ts'

type Tx = Transaction<CoordinatorDatabase>

/** A statement takes 65,535 parameters; the widest table has 21 columns. */
const rowsPerStatement = 2_000

/** Those of the sessions that there are. */
export async function loadSessions(
  transaction: Tx,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, SessionRows>> {
  const wanted = sql<boolean>`session_id = any(${sessionIds}::text[])`
  const sessions = await transaction.selectFrom('sessions').selectAll().where(wanted).execute()
  if (sessions.length === 0) return new Map()
  const invited = transaction.selectFrom('participants').selectAll().where(wanted)
  const bySession = Map.groupBy(await invited.orderBy('party_index').execute(), ({ session_id: id }) => id)
  return new Map(
    sessions.map((session) => {
      const { created_at_ms: created, expires_at_ms: expires, changed_at_ms: changed } = session
      const times = { created_at_ms: Number(created), expires_at_ms: Number(expires), changed_at_ms: Number(changed) }
      const participants = bySession.get(session.session_id) ?? []
      return [session.session_id, { session: { ...session, ...times }, participants }]
    }),
  )
}

export async function saveChanges(transaction: Tx, changes: Changes): Promise<void> {
  const { sessions, changedSessions, changedParticipants, newKeys } = changes
  const pick = <T>(ids: Iterable<string>, of: (rows: SessionRows) => T): T[] =>
    [...ids].flatMap((id) => sessions.get(id) ?? []).map(of)
  for (const rows of chunks(pick(changedSessions, ({ session }) => session))) {
    const update = replaced(Object.keys(rows[0] ?? {}))
    await transaction
      .insertInto('sessions')
      .values(rows)
      .onConflict((conflict) => conflict.column('session_id').doUpdateSet(update))
      .execute()
  }
  const participants = pick(changedParticipants, (rows) => rows.participants).flat()
  for (const rows of chunks<ParticipantRow>(participants)) {
    const update = replaced(['device_type', 'device_id', 'status', 'identity_key'])
    await transaction
      .insertInto('participants')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['session_id', 'party_index']).doUpdateSet(update))
      .execute()
  }
  for (const rows of chunks(newKeys)) {
    await transaction.insertInto('keys').values(rows).onConflict((conflict) => conflict.doNothing()).execute()
  }
}

function chunks<T>(rows: readonly T[]): readonly T[][] {
  const count = Math.ceil(rows.length / rowsPerStatement)
  return Array.from({ length: count }, (_, n) => rows.slice(n * rowsPerStatement, (n + 1) * rowsPerStatement))
}

/** `column = excluded.column` for each. */
function replaced(columns: readonly string[]): Readonly<Record<string, RawBuilder<never>>> {
  return Object.fromEntries(columns.map((column) => [column, sql<never>`excluded.${sql.id(column)}`]))
}
