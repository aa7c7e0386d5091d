/** One nats-server of our own on loopback, its JetStream store in a folder that it owns alone. */
import { closeSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { freePort } from '../processes/free-port.ts'
import { describeExit, spawnKept, type Exit, type KeptProcess } from '../processes/kept-process.ts'
import { stopLeftover } from '../processes/leftover.ts'
import { openLog } from '../processes/log-file.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { StartupError } from '../startup-error.ts'

export type NatsServerOptions = Readonly<{
  /** The executable: find-nats-server.ts finds one. */
  program: string
  /** Holds the store, the configuration and the pid file. Made if absent. */
  folder: string
  logFile: string
  /** 0 or absent: any free one, kept across restarts. */
  port?: number
}>

export type NatsServer = Readonly<{
  url: string
  pid: () => number
  /** Settles when the server that runs now is gone. */
  exited: () => Promise<Exit>
  stop: () => Promise<void>
  /** SIGKILL: as a power cut, but for the page cache. */
  kill: () => Promise<void>
  /** Starts again on the same store and port, after stopping what still runs. */
  restart: () => Promise<void>
}>

/** SIGTERM stops nats-server after it has flushed its store. */
const graceMs = 10_000
const readyTimeoutMs = 30_000

/** Starts it and waits until JetStream answers. Throws StartupError. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const folder = resolve(options.folder)
  const storeDir = join(folder, 'jetstream')
  const configFile = join(folder, 'nats-server.conf')
  const pidFile = join(folder, 'nats-server.pid')
  mkdirSync(storeDir, { recursive: true, mode: 0o700 })
  await stopLeftover(pidFile, configFile, 'SIGTERM')
  const port = options.port || (await freePort())
  const url = `nats://127.0.0.1:${port}`
  writeFileSync(configFile, fillTemplate({ port: String(port), storeDir, pidFile }), { mode: 0o600 })

  const start = async (): Promise<KeptProcess> => {
    const log = openLog(options.logFile)
    const command = { program: options.program, args: ['-c', configFile], stopSignal: 'SIGTERM', graceMs } as const
    const server = await spawnKept(command, log).finally(() => closeSync(log))
    if (await waitUntil(() => isReady(server, url, options.logFile), readyTimeoutMs)) return server
    await server.stop()
    throw new StartupError(`nats-server did not get ready in ${readyTimeoutMs / 1000} s: see ${options.logFile}`)
  }

  let server = await start()
  return {
    url,
    pid: () => server.pid,
    exited: () => server.exited,
    stop: async () => {
      await server.stop()
    },
    kill: async () => {
      server.signal('SIGKILL')
      await server.exited
    },
    restart: async () => {
      await server.stop()
      server = await start()
    },
  }
}

/** JetStream itself must answer: the port opens before a large store is recovered. */
async function isReady(server: KeptProcess, url: string, logFile: string): Promise<boolean> {
  if (!server.running()) {
    throw new StartupError(`nats-server ended at once (${describeExit(await server.exited)}): see ${logFile}`)
  }
  try {
    const connection = await connect({ servers: url, timeout: 1000, reconnect: false })
    try {
      await (await jetstreamManager(connection)).getAccountInfo()
      return true
    } finally {
      await connection.close()
    }
  } catch {
    return false
  }
}

function fillTemplate(values: Readonly<Record<string, string>>): string {
  const template = readFileSync(new URL('../../../deploy/nats/dev.conf.template', import.meta.url), 'utf8')
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined || /["\\\n]/.test(value)) {
      throw new StartupError(`the folder ${values['storeDir']} has characters that a NATS configuration cannot hold`)
    }
    return value
  })
}
