/** The session coordinator put together: log, folded sessions, read model, feed and sweeper behind its two services. */
import type { ConnectRouter } from '@connectrpc/connect'
import type { Registry } from 'prom-client'
import type { Logger } from '../edge/log.ts'
import type { NatsAccess } from '../edge/nats-access.ts'
import { createAggregateStore } from '../events/aggregate-store.ts'
import { openEventLog } from '../events/jetstream-log.ts'
import { defaultStreamSizes, type StreamSizes } from '../events/streams.ts'
import { startProjection } from '../events/projection-runner.ts'
import { SessionCoordinator } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionLog } from '../gen/mpc/coordinator/v1/session_log_pb.ts'
import { startChangeFeed } from './change-feed.ts'
import { checkpointStore } from './checkpoints/checkpoint-store.ts'
import type { CheckpointPolicy } from './checkpoints/checkpoint-policy.ts'
import { startCheckpointer } from './checkpoints/checkpointer.ts'
import { createCoordinatorMetrics } from './metrics.ts'
import { readModelReadiness, registerProjectionMetrics } from './projection-health.ts'
import { openReadModel } from './projection/database.ts'
import { sessionProjection } from './projection/session-projection.ts'
import type { ServerParties } from '../edge/server-parties.ts'
import { sessionCoordinator } from './session-coordinator.ts'
import { sessionFeed } from './session-feed.ts'
import { sessionLog } from './session-events/session-log.ts'
import { evolve, initialState } from './session-state.ts'
import { createSessions } from './sessions.ts'
import { startSweeper } from './sweeper.ts'

export type CoordinatorConfig = Readonly<{
  natsUrl: string
  natsAccess?: NatsAccess
  databaseUrl: string
  replicas: number
  streamSizes?: StreamSizes
  servers: ServerParties
  /** 32 secret bytes, common to all coordinators. */
  credentialKey: Uint8Array
  checkpoints: CheckpointPolicy
  sweepIntervalMs: number
  /** Above which the coordinator is not ready. */
  maxProjectionLagMs?: number
  /** Unix milliseconds. */
  now: () => number
  /** Told when the log cannot be followed any longer: the process should end. */
  onFatal: (error: unknown) => void
}>

export type Coordinator = Readonly<{
  routes(router: ConnectRouter): void
  ready(): Promise<Readonly<Record<string, boolean>>>
  /** Adds its metrics to a service's. */
  metrics(registry: Registry): void
  close(): Promise<void>
}>

const defaultMaxProjectionLagMs = 30_000

/** Throws LogUnavailable, ProjectionAhead, or what the database driver throws. Leaves nothing open when it throws. */
export async function openCoordinator(config: CoordinatorConfig, logger: Logger): Promise<Coordinator> {
  const opened: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of opened.splice(0).reverse()) await closeOne()
  }
  try {
    const { natsUrl: url, replicas, streamSizes: sizes = defaultStreamSizes, onFatal } = config
    const log = await openEventLog({
      url,
      ...config.natsAccess,
      name: 'session-coordinator',
      replicas,
      sizes,
      onFollowerError: onFatal,
    })
    opened.push(() => log.close())
    const connectionLost = (error: Error): void => logger.warn({ err: error }, 'a database connection was lost')
    const database = await openReadModel(config.databaseUrl, connectionLost)
    opened.push(() => database.destroy())
    const onError = (error: unknown): void => logger.error({ err: error }, 'the read model could not be updated')
    const projection = await startProjection({ log, database, projection: sessionProjection, onError })
    opened.push(() => projection.close())
    const store = createAggregateStore({ log, fold: { initial: initialState, evolve } })
    const metrics = createCoordinatorMetrics()
    const feed = await startChangeFeed(log, store, metrics.seen)
    opened.push(() => feed.close())
    const sessions = createSessions(store, config.now)
    const sweeper = startSweeper(database, sessions, config.sweepIntervalMs, (error) =>
      logger.warn({ err: error }, 'expired sessions could not be swept'),
    )
    opened.push(() => sweeper.close())
    const checkpointer = startCheckpointer({
      log,
      store: checkpointStore(database),
      policy: config.checkpoints,
      now: config.now,
      onError: (error) => logger.warn({ err: error }, 'no checkpoint could be made of the log'),
      onTampered: (error) => logger.fatal({ err: error }, 'THE LOG WAS TAMPERED WITH: no checkpoint is made any more'),
    })
    opened.push(() => checkpointer.close())
    const { servers, credentialKey } = config
    const sources = { log, store, database, projection }
    return {
      routes: (router) => {
        router.service(SessionCoordinator, sessionCoordinator({ sessions, keys: sources, servers, credentialKey }))
        router.service(SessionFeed, sessionFeed({ sessions, sources, feed, servers }))
        router.service(SessionLog, sessionLog({ sessions, log, store, feed }))
      },
      metrics: (registry) => {
        registerProjectionMetrics(registry, projection)
        metrics.register(registry, () => ({
          applied: projection.applied(),
          followers: feed.followers(),
          checkpoints: checkpointer.status(),
          nowMs: config.now(),
        }))
      },
      ready: async () => ({
        event_log: await log.healthy(),
        ...(await readModelReadiness(database, projection, config.maxProjectionLagMs ?? defaultMaxProjectionLagMs)),
        log_integrity: checkpointer.status().intact,
      }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
