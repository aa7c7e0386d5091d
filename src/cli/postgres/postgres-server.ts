/** One PostgreSQL of our own on loopback, password-protected, its data in a folder that it owns alone. */
import { closeSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../processes/free-port.ts'
import { describeExit, spawnKept, type Exit, type KeptProcess } from '../processes/kept-process.ts'
import { stopLeftover } from '../processes/leftover.ts'
import { openLog } from '../processes/log-file.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { StartupError } from '../startup-error.ts'
import { openClusterFolder, superuser } from './cluster-folder.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

export type PostgresOptions = Readonly<{
  /** Holds the cluster and its password. Made if absent. */
  folder: string
  logFile: string
  /** False gives up safety against power cuts for speed; only for data that nobody will miss. */
  durable: boolean
}>

export type PostgresServer = Readonly<{
  /** Of the database `mpc`, with the superuser's password. */
  url: string
  /** Settles when the server that runs now is gone. */
  exited: () => Promise<Exit>
  stop: () => Promise<void>
  /** Starts again on the same data and port, after stopping what still runs. */
  restart: () => Promise<void>
}>

/** SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written. */
const stopSignal: NodeJS.Signals = 'SIGINT'
const graceMs = 20_000
const readyTimeoutMs = 60_000
/** The one that all services share, each in a schema of its own. */
export const database = 'mpc'

/** Backends of a killed server hold its shared memory for a moment, and a free port can be taken by somebody else. */
const startAttempts = 5
const attemptDelayMs = 500

/** Starts it, with the database `mpc` in place. Throws StartupError. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = unprivilegedUser()
  const binaries = postgresBinaries(user)
  const cluster = await openClusterFolder(options.folder, options.durable, binaries, user)
  const account = `${superuser}:${cluster.password}`
  const address = (port: number, name: string) => `postgres://${account}@127.0.0.1:${port}/${name}`

  const startOn = async (port: number): Promise<KeptProcess | Exit> => {
    await clearLeftover(cluster.path)
    const log = openLog(options.logFile)
    const args = ['-D', cluster.path, '-p', String(port), ...settings(options.durable)]
    const command = { program: binaries.postgres, args, stopSignal, graceMs, cwd: '/', ...(user !== null && { user }) }
    const server = await spawnKept(command, log).finally(() => closeSync(log))
    return (await isUp(server, address(port, 'postgres'))) ? server : server.stop()
  }
  const start = async (choosePort: () => number | Promise<number>): Promise<readonly [KeptProcess, number]> => {
    for (let attempt = 1; ; attempt++) {
      const port = await choosePort()
      const started = await startOn(port)
      if ('pid' in started) return [started, port]
      if (attempt === startAttempts) {
        throw new StartupError(`PostgreSQL does not start (${describeExit(started)}): see ${options.logFile}`)
      }
      await sleep(attemptDelayMs)
    }
  }

  let [server, port] = await start(freePort)
  await ensureDatabase(address(port, 'postgres'))
  return {
    url: address(port, database),
    exited: () => server.exited,
    stop: async () => {
      await server.stop()
    },
    restart: async () => {
      await server.stop()
      ;[server] = await start(() => port)
    },
  }
}

async function clearLeftover(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  await stopLeftover(pidFile, cluster, stopSignal)
  // What is left is of a process that is gone; after a reboot its pid may be somebody else's and would block the start.
  rmSync(pidFile, { force: true })
}

function settings(durable: boolean): string[] {
  const shared = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', 'timezone=UTC']
  const fast = durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
  return [...shared, ...fast].flatMap((setting) => ['-c', setting])
}

/** False as soon as the server has ended, or when it is not up in time. */
async function isUp(server: KeptProcess, url: string): Promise<boolean> {
  let up = false
  await waitUntil(async () => {
    up = server.running() && (await answers(url))
    return up || !server.running()
  }, readyTimeoutMs)
  return up
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rowCount === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}
