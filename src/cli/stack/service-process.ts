/**
 * One service as a child process. It ends when its IPC channel closes, so it never outlives us (run-service.ts); one
 * that crashes is started again, after a longer wait each time.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { ServiceReport } from '../run-service.ts'
import { describeExit, type Exit } from '../processes/kept-process.ts'
import { openLog } from '../processes/log-file.ts'
import { programFile } from '../processes/program-file.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { StartupError } from '../startup-error.ts'
import type { ServiceCommand, ServiceName } from './services.ts'

export type ServiceLaunch = Readonly<{
  name: ServiceName
  command: ServiceCommand
  env: NodeJS.ProcessEnv
  httpUrl: string
  logFile: string
  say: (line: string) => void
}>

export type ServiceProcess = Readonly<{
  /** null while it is down. */
  pid: () => number | null
  /** Sends the signal and leaves the service down until `restart`. Resolves when it is gone. */
  kill: (signal: NodeJS.Signals) => Promise<void>
  /** Stops it if it runs; resolves when it is ready again. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}>

const readyTimeoutMs = 60_000
const stopGraceMs = 15_000
const firstBackoffMs = 250
const maxBackoffMs = 10_000
/** A service that ran this long starts over with the first backoff. */
const stableMs = 30_000

type Child = Readonly<{ process: ChildProcess; gone: Promise<Exit>; failure: () => string | null; startedAtMs: number }>

const mainFile = programFile('../main.ts', import.meta.url)

/** Resolves when the service's /readyz says so. Throws StartupError with the service's own reason. */
export async function startService(launch: ServiceLaunch): Promise<ServiceProcess> {
  let wanted = true
  let current: Child | null = null
  let backoffMs = firstBackoffMs
  let retry: NodeJS.Timeout | undefined

  const start = (): Child => {
    const child = spawnService(launch)
    current = child
    void child.gone.then((exit) => {
      if (current === child) current = null
      if (wanted) scheduleRestart(exit, child)
    })
    return child
  }
  const scheduleRestart = (exit: Exit, child: Child) => {
    if (performance.now() - child.startedAtMs > stableMs) backoffMs = firstBackoffMs
    const reason = child.failure() ?? describeExit(exit)
    launch.say(`${launch.name} ended (${reason}); starting it again in ${backoffMs} ms`)
    retry = setTimeout(start, backoffMs)
    backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
  }
  const halt = async (end: (child: Child) => void) => {
    wanted = false
    clearTimeout(retry)
    if (current === null) return
    const child: Child = current
    end(child)
    await child.gone
  }
  const startAndWait = async () => {
    // A start that fails is reported, not repeated.
    wanted = false
    const child = start()
    try {
      await untilReady(child, launch)
    } catch (error) {
      await halt(stopGently)
      throw error
    }
    if (child.process.exitCode !== null || child.process.signalCode !== null) throw startFailure(child, launch)
    wanted = true
  }

  await startAndWait()
  return {
    pid: () => current?.process.pid ?? null,
    kill: (signal) => halt((child) => child.process.kill(signal)),
    stop: () => halt(stopGently),
    restart: async () => {
      await halt(stopGently)
      await startAndWait()
    },
  }
}

function spawnService(launch: ServiceLaunch): Child {
  const log = openLog(launch.logFile)
  const child = spawn(process.execPath, [mainFile, launch.command], {
    env: launch.env,
    stdio: ['ignore', log, log, 'ipc'],
    // Signals from the terminal reach only us, and we stop the services in order.
    detached: true,
  })
  closeSync(log)
  let failure: string | null = null
  child.on('message', (report: ServiceReport) => {
    failure = report.failure
  })
  const gone = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      failure = error.message
      resolve({ code: 1, signal: null })
    })
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return { process: child, gone, failure: () => failure, startedAtMs: performance.now() }
}

function stopGently({ process: child, gone }: Child): void {
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs)
  void gone.then(() => clearTimeout(timer))
}

async function untilReady(child: Child, launch: ServiceLaunch): Promise<void> {
  let ended = false
  void child.gone.then(() => (ended = true))
  const ready = await waitUntil(async () => ended || (await isReady(launch.httpUrl)), readyTimeoutMs)
  if (ended) throw startFailure(child, launch)
  if (ready) return
  throw new StartupError(`${launch.name} did not get ready in ${readyTimeoutMs / 1000} s: see ${launch.logFile}`)
}

function startFailure(child: Child, launch: ServiceLaunch): StartupError {
  return new StartupError(`${launch.name} does not start: ${child.failure() ?? `see ${launch.logFile}`}`)
}

async function isReady(httpUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
