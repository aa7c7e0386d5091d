/** The servers behind the services: our own nats-server and PostgreSQL, or the ones that the environment names. */
import { setTimeout as sleep } from 'node:timers/promises'
import { findNatsServer } from '../nats/find-nats-server.ts'
import { startNatsServer } from '../nats/nats-server.ts'
import { startPostgres } from '../postgres/postgres-server.ts'
import { describeExit, type Exit } from '../processes/kept-process.ts'
import type { DataFolder } from './data-folder.ts'
import type { Backing } from './service-environment.ts'

type Server = Readonly<{
  url: string
  exited: () => Promise<Exit>
  stop: () => Promise<void>
  restart: () => Promise<void>
}>

const restartDelayMs = 500

/** `NATS_URL` and `DATABASE_URL` in `env` take the place of our own. Throws StartupError. */
export async function startBacking(
  folder: DataFolder,
  durable: boolean,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  onClose: (step: () => Promise<void>) => void,
): Promise<Backing> {
  const keep = (name: string, server: Server): string => {
    onClose(keepRunning(name, server, say))
    return server.url
  }
  const natsUrl = async (): Promise<string> => {
    if (env['NATS_URL']) return env['NATS_URL']
    const program = await findNatsServer({ env, say })
    const server = await startNatsServer({ program, folder: folder.nats, logFile: folder.logFile('nats-server') })
    return keep('nats-server', server)
  }
  const databaseUrl = async (): Promise<string> => {
    if (env['DATABASE_URL']) return env['DATABASE_URL']
    const server = await startPostgres({ folder: folder.postgres, logFile: folder.logFile('postgres'), durable })
    return keep('PostgreSQL', server)
  }
  // Both settle before a failure is told, so that what did start is stopped.
  const [nats, database] = await Promise.allSettled([natsUrl(), databaseUrl()])
  if (nats.status === 'rejected') throw nats.reason
  if (database.status === 'rejected') throw database.reason
  return { natsUrl: nats.value, databaseUrl: database.value }
}

/** Starts `server` again whenever it ends by itself. Returns what stops it for good. */
function keepRunning(name: string, server: Server, say: (line: string) => void): () => Promise<void> {
  let wanted = true
  let restarting: Promise<void> = Promise.resolve()
  const watch = async () => {
    const exit = await server.exited()
    if (!wanted) return
    say(`${name} ended (${describeExit(exit)}); starting it again`)
    restarting = sleep(restartDelayMs).then(server.restart)
    try {
      await restarting
      void watch()
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  void watch()
  return async () => {
    wanted = false
    await restarting.catch(() => {})
    await server.stop()
  }
}
