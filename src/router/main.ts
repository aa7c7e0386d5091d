/** The Message Router as a process: gRPC 50052 and HTTP 8081 unless the environment says otherwise. */
import { z } from 'zod'
import { edgeConfigFromEnv, readEnv } from '../edge/config.ts'
import { createLogger, logLevels } from '../edge/log.ts'
import { serve, type RunningService } from '../edge/serve.ts'
import { createRequestValidator } from '../edge/validation.ts'
import { openEventLog } from '../events/jetstream-log.ts'
import { MessageRouter } from '../gen/mpc/router/v1/message_router_pb.ts'
import { routerLimitsFromEnv } from './limits.ts'
import { openRouter } from './router.ts'
import { messageRouterService } from './service.ts'
import { mountWebSocket } from './websocket.ts'

const name = 'message-router'

const oneToFive = 'must be 1 to 5'

const variables = z.object({
  NATS_URL: z.string(),
  MPC_NATS_REPLICAS: z.coerce.number(oneToFive).int(oneToFive).min(1, oneToFive).max(5, oneToFive).default(1),
  MPC_LOG_LEVEL: z.enum(logLevels).default('info'),
})

/** Resolves when both ports listen. Throws ConfigurationError naming a variable, or LogUnavailable. */
export async function main(env: NodeJS.ProcessEnv): Promise<RunningService> {
  const config = edgeConfigFromEnv(env, { grpcPort: 50052, httpPort: 8081 })
  const limits = routerLimitsFromEnv(env)
  const { NATS_URL: url, MPC_NATS_REPLICAS: replicas, MPC_LOG_LEVEL: level } = readEnv(variables, env)
  const logger = createLogger(name, level)
  const log = await openEventLog({ url, name, replicas })
  try {
    const router = await openRouter({ log, limits, warn: (message, err) => logger.warn({ err }, message) })
    const validator = createRequestValidator([MessageRouter])
    const edge = await serve(
      {
        name,
        services: [MessageRouter],
        routes: (connect) => connect.service(MessageRouter, messageRouterService(router)),
        ready: async () => ({ nats: await log.healthy() }),
        http: (app, upgrade, identify) =>
          mountWebSocket(app, upgrade, { router, identify, validator, limits, log: logger }),
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
