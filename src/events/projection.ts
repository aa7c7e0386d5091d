/** What a read model in Postgres is made of: the events that it wants, and what each of them changes. */
import type { Kysely, Transaction } from 'kysely'
import type { StoredEvent } from './event-log.ts'

export type Projection<Database, Event> = Readonly<{
  /** Subject filter of the events it wants. */
  filter: string
  /** Stream position of the last applied event; 0 for none. */
  checkpoint(database: Kysely<Database>): Promise<number>
  /** The same, locked until the transaction ends, so that two processes never apply the same event. */
  lockCheckpoint(transaction: Transaction<Database>): Promise<number>
  moveCheckpoint(transaction: Transaction<Database>, sequence: number): Promise<void>
  /** Throws what tells why this release cannot read the event. Reading it again would give the same. */
  read(stored: StoredEvent): Event
  /** When it happened, unix milliseconds; 0 where it cannot be told. */
  timeOf(stored: StoredEvent): number
  /** Applies events, oldest first. */
  apply(transaction: Transaction<Database>, events: readonly Event[]): Promise<void>
}>

export type Applied = Readonly<{
  /** Position that the read model has now. */
  position: number
  /** Why the event after that position cannot be read; null where all could. */
  unreadable: unknown
}>

/**
 * Applies a batch in one transaction: every event that is not applied yet, up to the first that cannot be read.
 * `after`: the batch holds every event after this position. Throws CheckpointWentBack where the read model is not that
 * far, and what the database driver throws.
 */
export async function applyBatch<Database, Event>(
  database: Kysely<Database>,
  projection: Projection<Database, Event>,
  batch: readonly StoredEvent[],
  after: number,
): Promise<Applied> {
  return database.transaction().execute(async (transaction) => {
    const done = await projection.lockCheckpoint(transaction)
    if (done < after) throw new CheckpointWentBack(done, after)
    const fresh = batch.filter(({ sequence }) => sequence > done)
    const { events, unreadable } = readAll(projection, fresh)
    const last = fresh[events.length - 1]
    if (last === undefined) return { position: done, unreadable }
    await projection.apply(transaction, events)
    await projection.moveCheckpoint(transaction, last.sequence)
    return { position: last.sequence, unreadable }
  })
}

/** Somebody has replaced or emptied the read model: what lies between has to be applied again. */
export class CheckpointWentBack extends Error {
  override readonly name = 'CheckpointWentBack'
  readonly position: number

  constructor(position: number, from: number) {
    super(`the read model went back from event ${from} to ${position}`)
    this.position = position
  }
}

function readAll<Database, Event>(projection: Projection<Database, Event>, batch: readonly StoredEvent[]) {
  const events: Event[] = []
  for (const stored of batch) {
    try {
      events.push(projection.read(stored))
    } catch (unreadable) {
      return { events, unreadable }
    }
  }
  return { events, unreadable: null }
}
