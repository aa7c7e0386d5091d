/** Programs that never outlive us, whatever ends us (keeper.ts), and that a Ctrl-C in the terminal does not reach. */
import { spawn } from 'node:child_process'
import { StartupError } from '../startup-error.ts'
import { programFile } from './program-file.ts'

export type KeeperCommand = Readonly<{
  program: string
  args: readonly string[]
  /** Asks the program to stop cleanly. */
  stopSignal: NodeJS.Signals
  /** From the stop signal to SIGKILL. */
  graceMs: number
  cwd?: string
  /** The account to run it under; only root can choose another than its own. */
  user?: Readonly<{ uid: number; gid: number }>
}>

export type Exit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>

export type KeeperReport =
  | Readonly<{ kind: 'started'; pid: number }>
  | Readonly<{ kind: 'failed'; message: string }>
  | Readonly<{ kind: 'exited' } & Exit>

export type KeptProcess = Readonly<{
  pid: number
  /** Settles once the program is gone. */
  exited: Promise<Exit>
  running: () => boolean
  signal: (signal: NodeJS.Signals) => void
  /** Clean stop, SIGKILL after the grace. */
  stop: () => Promise<Exit>
}>

const keeperFile = programFile('./keeper.ts', import.meta.url)

/** Starts `command`, its output going to the open file `output`. Throws StartupError if it cannot be executed. */
export async function spawnKept(command: KeeperCommand, output: number): Promise<KeptProcess> {
  const keeper = spawn(process.execPath, [keeperFile, JSON.stringify(command)], {
    stdio: ['ignore', output, output, 'ipc'],
    // A session of its own: signals from the terminal reach only us, and we stop things in order.
    detached: true,
  })
  let exit: Exit | null = null
  const gone = Promise.withResolvers<Exit>()
  const started = Promise.withResolvers<number>()
  // The keeper sends nothing but KeeperReport.
  keeper.on('message', (message: KeeperReport) => {
    if (message.kind === 'started') started.resolve(message.pid)
    else if (message.kind === 'exited') exit = { code: message.code, signal: message.signal }
    else started.reject(new StartupError(`cannot run ${command.program}: ${message.message}`))
  })
  keeper.once('error', (error) => started.reject(new StartupError(`cannot run ${process.execPath}: ${error.message}`)))
  keeper.once('exit', (code, signal) => {
    exit ??= { code, signal }
    started.reject(new StartupError(`${command.program} ended at once (${describeExit(exit)})`))
    gone.resolve(exit)
  })
  const pid = await started.promise
  return {
    pid,
    exited: gone.promise,
    running: () => exit === null,
    signal: (signal) => {
      if (keeper.connected) keeper.send(signal)
    },
    stop: () => {
      if (keeper.connected) keeper.disconnect()
      return gone.promise
    },
  }
}

export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `killed by ${exit.signal}`
}
