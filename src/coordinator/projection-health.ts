/**
 * How the read model is doing: for /metrics and /readyz. No outage of what it depends on keeps either from answering.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import { Gauge, type Registry } from 'prom-client'
import type { ProjectionLag, ProjectionRunner } from '../events/projection-runner.ts'
import type { CoordinatorDatabase } from './projection/tables.ts'

type Watched = Pick<ProjectionRunner, 'lag' | 'healthy' | 'stopped'>

/** Within what the port gives all checks together. */
const checkTimeoutMs = 1_000

/** Adds the projection's metrics to a service's. */
export function registerProjectionMetrics(registry: Registry, projection: Watched): void {
  let asked: Promise<ProjectionLag | null> | null = null
  // One question to the log for all that is asked at once.
  const lag = (): Promise<ProjectionLag | null> => {
    asked ??= inTime(projection.lag()).finally(() => {
      asked = null
    })
    return asked
  }
  const gauge = (name: string, help: string, read: () => Promise<number | undefined>): void => {
    const collected = new Gauge({
      name: `mpc_projection_${name}`,
      help,
      registers: [registry],
      async collect() {
        const value = await read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
    collected.remove()
  }
  gauge('lag_events', 'Events of the log that the read model lacks.', async () => (await lag())?.events)
  gauge('lag_seconds', 'Age of the oldest event that the read model lacks.', async () => (await lag())?.seconds)
  gauge('failing', '1 while the read model cannot be updated, for whatever reason.', async () =>
    projection.healthy() ? 0 : 1,
  )
  gauge('stopped', '1 where an event is in the way that this release cannot read.', async () =>
    projection.stopped() ? 1 : 0,
  )
}

export type ReadModelReadiness = Readonly<{ database: boolean; read_model: boolean; projection_lag: boolean }>

/** Whether the database answers, events are applied, and none has waited longer than `maxLagMs`. */
export async function readModelReadiness(
  database: Kysely<CoordinatorDatabase>,
  projection: Watched,
  maxLagMs: number,
): Promise<ReadModelReadiness> {
  const [answer, lag] = await Promise.all([inTime(sql`select 1`.execute(database)), inTime(projection.lag())])
  return {
    database: answer !== null,
    read_model: projection.healthy(),
    projection_lag: lag !== null && lag.seconds * 1000 <= maxLagMs,
  }
}

/** Null when it fails or takes too long: a frozen server neither answers nor refuses. */
async function inTime<T>(question: Promise<T>): Promise<T | null> {
  const over = new AbortController()
  const timeout = delay(checkTimeoutMs, null, { signal: over.signal }).catch(() => null)
  try {
    return await Promise.race([question.catch(() => null), timeout])
  } finally {
    over.abort()
  }
}
