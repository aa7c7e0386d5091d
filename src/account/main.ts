/** The Account Service as a process. */
import { z } from 'zod'
import { edgeConfigFromEnv } from '../edge/config.ts'
import { httpUrlVariable, logLevelVariable, postgresUrlVariable, readEnv } from '../edge/environment.ts'
import { createLogger } from '../edge/log.ts'
import { serve, type RunningService } from '../edge/serve.ts'
import { connectService } from '../edge/service-client.ts'
import { clientTlsFromEnv, requireHttps } from '../edge/tls/tls-config.ts'
import { AccountService, MpcService } from '../gen/mpc/account/v1/account_service_pb.ts'
import { accountService } from './account-service.ts'
import { createAccountStore } from './account-store.ts'
import { createCoordinatorClient } from './coordinator-client.ts'
import { openAccounts } from './database.ts'
import { mpcService } from './mpc-service.ts'

const name = 'account-service'
const defaultPorts = { grpcPort: 50054, httpPort: 8083 }

const variables = z.object({
  DATABASE_URL: postgresUrlVariable,
  MPC_COORDINATOR_URL: httpUrlVariable,
  MPC_COORDINATOR_API_KEY: z.string().startsWith('mpc_key_', 'must be an API key (mpc_key_…)').optional(),
  MPC_LOG_LEVEL: logLevelVariable,
})

/** Starts the service; throws ConfigurationError naming the variable at fault. */
export async function main(env: NodeJS.ProcessEnv): Promise<RunningService> {
  const edge = edgeConfigFromEnv(env, defaultPorts)
  const values = readEnv(variables, env)
  const tls = clientTlsFromEnv(env)
  requireHttps('MPC_COORDINATOR_URL', values.MPC_COORDINATOR_URL, tls)
  const log = createLogger(name, values.MPC_LOG_LEVEL)
  const database = await openAccounts(values.DATABASE_URL, (err) => log.warn({ err }, 'a database connection was lost'))
  const bearer = values.MPC_COORDINATOR_API_KEY
  const connection = connectService(values.MPC_COORDINATOR_URL, { tls, ...(bearer !== undefined && { bearer }) })
  const store = createAccountStore(database)
  const coordinator = createCoordinatorClient(connection, log)
  const release = async () => {
    connection.close()
    await database.destroy()
  }
  try {
    const service = await serve(
      {
        name,
        openApi: 'account-service',
        services: [AccountService, MpcService],
        routes: (router) =>
          router
            .service(
              AccountService,
              accountService(store, () => new Date()),
            )
            .service(MpcService, mpcService(store, coordinator)),
        ready: async () => ({ database: await store.isReachable(), coordinator: await coordinator.isServing() }),
      },
      edge,
      log,
    )
    return {
      ...service,
      close: async () => {
        await service.close()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}
