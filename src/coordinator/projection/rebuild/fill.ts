/** Applies the log to a read model up to a position, batch by batch, from where the read model stands. */
import type { Kysely } from 'kysely'
import type { LogReader, StoredEvent } from '../../../events/event-log.ts'
import { applyBatch } from '../../../events/projection.ts'
import { sessionProjection } from '../session-projection.ts'
import type { CoordinatorDatabase } from '../tables.ts'

const batchSize = 1000

/**
 * `applied` is told the position after each batch; killed between any two of them, a later call goes on there. Throws
 * LogUnavailable, what tells why an event cannot be read, and what the database driver throws.
 */
export async function fillUpTo(
  database: Kysely<CoordinatorDatabase>,
  log: LogReader,
  upTo: number,
  applied: (position: number) => void,
): Promise<void> {
  let position = await sessionProjection.checkpoint(database)
  let batch: StoredEvent[] = []
  const apply = async (): Promise<void> => {
    const outcome = await applyBatch(database, sessionProjection, batch, position)
    if (outcome.unreadable !== null) throw outcome.unreadable
    position = outcome.position
    batch = []
    applied(position)
  }
  if (position >= upTo) return
  for await (const event of log.read(sessionProjection.filter, position)) {
    if (event.sequence > upTo) break
    batch.push(event)
    if (batch.length === batchSize) await apply()
  }
  if (batch.length > 0) await apply()
}
