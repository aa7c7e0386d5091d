/**
 * Lifecycle events into the read model, the same whenever and however often it is rebuilt: the rows that a batch is
 * about are read at once, changed in memory (session-rows.ts) and written at once.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { StoredEvent } from '../../events/event-log.ts'
import type { Projection } from '../../events/projection.ts'
import { BrokenChain, decodeEvent, decodeStored } from '../../events/session-event.ts'
import { allSessions } from '../../events/subjects.ts'
import type { SessionEvent } from '../../gen/mpc/events/v1/session_events_pb.ts'
import { changeRows, emptyChanges } from './session-rows.ts'
import { loadSessions, saveChanges } from './stored-rows.ts'
import type { CoordinatorDatabase } from './tables.ts'

type Db = Kysely<CoordinatorDatabase>
type Tx = Transaction<CoordinatorDatabase>

/** An event as it is stored, and what it says in the present form. */
type ReadEvent = Readonly<{ stored: StoredEvent; event: SessionEvent }>

const name = 'sessions'

export const sessionProjection: Projection<CoordinatorDatabase, ReadEvent> = {
  filter: allSessions,
  checkpoint: async (database: Db) => {
    const query = database.selectFrom('checkpoint').select('sequence').where('projection', '=', name)
    return Number((await query.executeTakeFirst())?.sequence ?? 0)
  },
  lockCheckpoint: async (transaction: Tx) => {
    await transaction
      .insertInto('checkpoint')
      .values({ projection: name, sequence: 0 })
      .onConflict((conflict) => conflict.column('projection').doNothing())
      .execute()
    const locked = transaction.selectFrom('checkpoint').select('sequence').where('projection', '=', name).forUpdate()
    return Number((await locked.executeTakeFirstOrThrow()).sequence)
  },
  moveCheckpoint: async (transaction: Tx, sequence: number) => {
    await transaction.updateTable('checkpoint').set({ sequence }).where('projection', '=', name).execute()
  },
  read: (stored) => ({ stored, event: decodeEvent(stored.data) }),
  timeOf: (stored) => {
    try {
      return Number(decodeStored(stored.data).timeMs)
    } catch (error) {
      if (error instanceof BrokenChain) return 0
      throw error
    }
  },
  apply: async (transaction: Tx, events: readonly ReadEvent[]) => {
    const known = await loadSessions(transaction, [...new Set(events.map(({ event }) => event.sessionId))])
    const changes = emptyChanges(known)
    for (const { stored, event } of events) changeRows(changes, stored, event)
    await saveChanges(transaction, changes)
  },
}

/** Empties the read model; whoever applies events fills it again. */
export async function dropReadModel(database: Db): Promise<void> {
  await sql`truncate participants, keys, sessions, checkpoint`.execute(database)
}
