/**
 * Runs one program and does not outlive its parent: when the parent's IPC channel closes, for whatever reason (SIGKILL
 * included), the program is told to stop, and killed if it does not. Argument: KeeperCommand (kept-process.ts) as JSON.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { KeeperCommand, KeeperReport } from './kept-process.ts'

// The text is ours: kept-process.ts writes it.
const command = JSON.parse(process.argv[2] ?? '') as KeeperCommand
const [program, args] = dieWithKeeper(command)
const child = spawn(program, args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  cwd: command.cwd,
  ...(command.user ?? {}),
})

child.once('spawn', () => report({ kind: 'started', pid: child.pid ?? 0 }))
child.once('error', (error) => {
  report({ kind: 'failed', message: error.message })
  process.disconnect?.()
})
child.once('exit', (code, signal) => {
  report({ kind: 'exited', code, signal })
  process.exitCode = code ?? 1
  if (process.connected) process.disconnect()
})
process.on('message', (signal: NodeJS.Signals) => child.kill(signal))
process.on('disconnect', stop)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

function stop(): void {
  child.kill(command.stopSignal)
  setTimeout(() => child.kill('SIGKILL'), command.graceMs).unref()
}

function report(message: KeeperReport): void {
  // A parent that is gone needs no report.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** Where util-linux is present the kernel itself ends the program if even the keeper is killed (PR_SET_PDEATHSIG). */
function dieWithKeeper({ program, args, stopSignal }: KeeperCommand): [string, readonly string[]] {
  const setpriv = '/usr/bin/setpriv'
  if (process.platform !== 'linux' || !existsSync(setpriv)) return [program, args]
  return [setpriv, ['--pdeathsig', stopSignal.slice('SIG'.length), '--', program, ...args]]
}
