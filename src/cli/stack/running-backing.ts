/** Where the nats-server and the PostgreSQL of a dev stack that runs now can be reached, from its data folder. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { natsAccessFromEnv, type NatsAccess } from '../../edge/nats-access.ts'
import { superuser } from '../postgres/cluster-folder.ts'
import { database } from '../postgres/postgres-server.ts'
import { commandLine } from '../processes/leftover.ts'
import { StartupError } from '../startup-error.ts'
import { describeDataFolder } from './data-folder.ts'

/**
 * The log at NATS_URL, or where that is not set, of the stack on this folder. Throws StartupError, ConfigurationError.
 */
export function logOf(dataFolder: string, env: NodeJS.ProcessEnv): NatsAccess & Readonly<{ url: string }> {
  const url = env['NATS_URL']
  return url ? { url, ...natsAccessFromEnv(env) } : { url: runningNatsUrl(dataFolder) }
}

/** `nats://127.0.0.1:port`. Throws StartupError where none runs on this folder. */
export function runningNatsUrl(dataFolder: string): string {
  const { nats } = describeDataFolder(dataFolder)
  const pid = read(join(nats, 'nats-server.pid'), dataFolder)
  const address = /^listen: "([^"]+)"/m.exec(read(join(nats, 'nats-server.conf'), dataFolder))?.[1]
  if (address === undefined || !commandLine(Number(pid)).includes('nats-server')) throw notRunning(dataFolder)
  return `nats://${address}`
}

/** Of the database that the services use, with its password. Throws StartupError where none runs on this folder. */
export function runningDatabaseUrl(dataFolder: string): string {
  const { postgres } = describeDataFolder(dataFolder)
  const password = read(join(postgres, 'password'), dataFolder)
  // PostgreSQL's own lock file: pid, data folder, start time, port, each on a line.
  const [pid, , , port] = read(join(postgres, 'cluster', 'postmaster.pid'), dataFolder).split('\n')
  if (!/^\d+$/.test(port ?? '') || !commandLine(Number(pid)).includes('postgres')) throw notRunning(dataFolder)
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

function read(file: string, dataFolder: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw notRunning(dataFolder)
  }
}

function notRunning(dataFolder: string): StartupError {
  return new StartupError(
    `no stack of ours runs on the data folder ${dataFolder}: start it, name its folder with --data, or set NATS_URL ` +
      'and DATABASE_URL',
  )
}
