/**
 * Appends what nobody may ever ask for: the expiry of sessions whose time is up, and the outcome of sessions whose
 * coordinator died between the last report and the outcome. The read model only suggests sessions; the decision is
 * made on the log.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { overdueSessions, unsettledSessions } from './projection/queries.ts'
import type { CoordinatorDatabase } from './projection/tables.ts'
import type { Sessions } from './sessions.ts'

const batchSize = 100
/** A coordinator that is alive appends the outcome right after the last report. */
const unsettledAfterMs = 2000

/** One pass. Resolves to the number of sessions looked at. */
export async function sweep(database: Kysely<CoordinatorDatabase>, sessions: Sessions): Promise<number> {
  const nowMs = sessions.now()
  const due = new Set([
    ...(await overdueSessions(database, nowMs, batchSize)),
    ...(await unsettledSessions(database, nowMs - unsettledAfterMs, batchSize)),
  ])
  for (const sessionId of due) await sessions.settle(sessionId)
  return due.size
}

export type Sweeper = Readonly<{ close(): Promise<void> }>

/** `onError` is told of every pass that failed; the next one comes all the same. */
export function startSweeper(
  database: Kysely<CoordinatorDatabase>,
  sessions: Sessions,
  intervalMs: number,
  onError: (error: unknown) => void,
): Sweeper {
  const closing = new AbortController()
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await sweep(database, sessions).catch(onError)
      await delay(intervalMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    close: async () => {
      closing.abort()
      await running
    },
  }
}
