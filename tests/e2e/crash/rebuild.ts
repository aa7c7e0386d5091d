/**
 * The coordinator's read models a second time, in a database of their own, filled from the log by the same projection
 * in a process that nobody kills: what the services' own must be equal to.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import { sessionProjection } from '../../../src/coordinator/projection/session-projection.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { startProjection } from '../../../src/events/projection-runner.ts'
import { createDatabase } from '../../setup/database.ts'

export type Rebuild = Readonly<{
  /** Fails where a table of the services differs, once both have come to the present end of the log. */
  requireEqual: () => Promise<void>
  close: () => Promise<void>
}>

const patienceMs = 60_000

export async function openRebuild(natsUrl: string, servicesUrl: string): Promise<Rebuild> {
  const own = await createDatabase()
  const log = await openEventLog({ url: natsUrl, name: 'tests', replicas: 1 })
  const failed = (error: unknown) => {
    throw error
  }
  const rebuilt = await openReadModel(own.url, () => undefined)
  const kept = await openReadModel(servicesUrl, () => undefined)
  const projection = await startProjection({ log, database: rebuilt, projection: sessionProjection, onError: failed })

  const tables = async (database: typeof kept) => ({
    sessions: await database.selectFrom('sessions').selectAll().orderBy('session_id').execute(),
    participants: await database
      .selectFrom('participants')
      .selectAll()
      .orderBy('session_id')
      .orderBy('party_index')
      .execute(),
    keys: await database.selectFrom('keys').selectAll().orderBy('key_id').execute(),
  })
  const position = async () =>
    Number((await kept.selectFrom('checkpoint').select('sequence').executeTakeFirst())?.sequence ?? 0)

  return {
    requireEqual: async () => {
      const end = await log.lastSequence('SESSIONS')
      const deadline = performance.now() + patienceMs
      while ((await position()) < end) {
        if (performance.now() > deadline) throw new Error(`the read model does not come to event ${end}`)
        await sleep(20)
      }
      if (!(await projection.waitUntilApplied(end, patienceMs))) throw new Error('the rebuild does not come to an end')
      expect(await tables(kept)).toEqual(await tables(rebuilt))
    },
    close: async () => {
      await projection.close()
      await log.close()
      await rebuilt.destroy()
      await kept.destroy()
      await own.drop()
    },
  }
}
