/** The Message Router as a process: gRPC 50052 and HTTP 8081 unless the environment says otherwise. */
import { z } from 'zod'
import { edgeConfigFromEnv } from '../edge/config.ts'
import { eventLogVariables, logLevelVariable, readEnv } from '../edge/environment.ts'
import { createLogger } from '../edge/log.ts'
import { natsAccessFromEnv } from '../edge/nats-access.ts'
import { serve, type RunningService } from '../edge/serve.ts'
import { createRequestValidator } from '../edge/validation.ts'
import { openEventLog } from '../events/jetstream-log.ts'
import { parseNatsAddress } from '../events/nats-address.ts'
import { streamSizes } from '../events/streams.ts'
import { MessageRouter } from '../gen/mpc/router/v1/message_router_pb.ts'
import { routerLimitsFromEnv } from './limits.ts'
import { createRouterMetrics } from './metrics.ts'
import { openRouter } from './router.ts'
import { messageRouterService } from './service.ts'
import { mountWebSocket, subprotocol, webSocketPath } from './websocket.ts'

const name = 'message-router'

const variables = z.object({
  ...eventLogVariables(parseNatsAddress),
  MPC_LOG_LEVEL: logLevelVariable,
})

/** Resolves when both ports listen. Throws ConfigurationError naming a variable, or LogUnavailable. */
export async function main(env: NodeJS.ProcessEnv): Promise<RunningService> {
  const config = edgeConfigFromEnv(env, { grpcPort: 50052, httpPort: 8081 })
  const limits = routerLimitsFromEnv(env)
  const values = readEnv(variables, env)
  const { NATS_URL: url, MPC_NATS_REPLICAS: replicas, MPC_LOG_LEVEL: level } = values
  const { MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES } = values
  const sizes = streamSizes(MPC_SESSIONS_MAX_BYTES, MPC_MESSAGES_MAX_BYTES, MPC_CHECKPOINTS_MAX_BYTES)
  const logger = createLogger(name, level)
  const log = await openEventLog({
    url,
    name,
    replicas,
    sizes,
    streams: ['SESSIONS', 'MESSAGES'],
    ...natsAccessFromEnv(env),
  })
  try {
    const metrics = createRouterMetrics()
    const router = await openRouter({ log, limits, metrics, warn: (message, err) => logger.warn({ err }, message) })
    const validator = createRequestValidator([MessageRouter])
    const edge = await serve(
      {
        name,
        openApi: 'message-router',
        services: [MessageRouter],
        routes: (connect) => connect.service(MessageRouter, messageRouterService(router)),
        metrics: (registry) => metrics.register(registry, router.usage),
        ready: async () => ({ nats: await log.healthy() }),
        webSocketPaths: [webSocketPath],
        webSocketProtocols: [subprotocol],
        http: (app, upgrade, identify) =>
          mountWebSocket(app, upgrade, {
            router,
            identify,
            corsOrigins: config.corsOrigins,
            validator,
            limits,
            metrics,
            log: logger,
          }),
      },
      config,
      logger,
    )
    return {
      ...edge,
      close: async () => {
        router.stop()
        await edge.close()
        await router.close()
        await log.close()
      },
    }
  } catch (error) {
    await log.close()
    throw error
  }
}
