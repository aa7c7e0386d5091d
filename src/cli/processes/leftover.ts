/** A server that an earlier run left behind: found by its pid file, told apart from a stranger with the same pid. */
import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { StartupError } from '../startup-error.ts'
import { waitUntil } from './wait-until.ts'

/** Stops the process in `pidFile` if its command line contains `mark`. Throws StartupError if it does not go away. */
export async function stopLeftover(pidFile: string, mark: string, signal: NodeJS.Signals): Promise<boolean> {
  const pid = firstLineAsPid(pidFile)
  if (pid === null || !commandLine(pid).includes(mark)) return false
  process.kill(pid, signal)
  if (await waitUntil(() => !isAlive(pid), 10_000)) return true
  process.kill(pid, 'SIGKILL')
  if (await waitUntil(() => !isAlive(pid), 5_000)) return true
  throw new StartupError(`process ${pid} of an earlier run does not end: stop it and try again`)
}

/** A process that has ended but that nobody has waited for, as under a container's pid 1, does not live. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\t[ZX]/m.test(statusOf(pid))
  } catch (error) {
    // EPERM: it lives, under another account.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The command line of a process with spaces between the arguments, '' if there is none to be seen. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

/** proc(5); '' where there is no /proc. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function firstLineAsPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null
  } catch {
    return null
  }
}
