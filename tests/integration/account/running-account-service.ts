/** The account service as it runs in production, on free ports and a database of its own. */
import { main } from '../../../src/account/main.ts'
import { createDatabase } from '../../setup/database.ts'

export type Answer = Readonly<{ status: number; body: Record<string, unknown>; headers: Headers }>

export type RunningAccountService = Readonly<{
  grpcUrl: string
  httpUrl: string
  databaseUrl: string
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  close: () => Promise<void>
  /** Drops the database under the running service. */
  loseDatabase: () => Promise<void>
}>

export async function startAccountService(env: NodeJS.ProcessEnv = {}): Promise<RunningAccountService> {
  const database = await createDatabase()
  const service = await main({
    MPC_OPEN_MODE: 'true',
    MPC_GRPC_PORT: '0',
    MPC_HTTP_PORT: '0',
    MPC_LOG_LEVEL: 'silent',
    MPC_COORDINATOR_URL: 'http://127.0.0.1:1',
    DATABASE_URL: database.url,
    ...env,
  })
  return {
    grpcUrl: service.grpcUrl,
    httpUrl: service.httpUrl,
    databaseUrl: database.url,
    call: async (method, path, body, headers = {}) => {
      const init =
        body === undefined
          ? { method, headers }
          : { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
      const response = await fetch(service.httpUrl + path, init)
      return { status: response.status, headers: response.headers, body: await response.json() }
    },
    close: async () => {
      await service.close()
      await database.drop()
    },
    loseDatabase: database.drop,
  }
}
