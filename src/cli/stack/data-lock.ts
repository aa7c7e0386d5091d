/** One stack per data folder: a lock file that names its holder, and that a killed holder does not leave locked. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../processes/leftover.ts'
import { StartupError } from '../startup-error.ts'

/** Takes the lock of a stack's folder; returns its release. Throws StartupError if a running process holds it. */
export function lockDataFolder(folder: string): () => void {
  const inUse = (pid: string) => `the data folder ${folder} is in use by process ${pid}: stop it, or use --data`
  return lockFolder(folder, inUse)
}

/** The same for any folder; `inUse` says what is wrong where a process holds it. */
export function lockFolder(folder: string, inUse: (pid: string) => string): () => void {
  const held = (holder: string) => new StartupError(inUse(holder.split(' ')[0] ?? ''))
  const lock = join(folder, 'lock')
  const own = `${process.pid} ${startTime(process.pid)}\n`
  const claim = join(folder, `lock.${process.pid}`)
  writeFileSync(claim, own, { mode: 0o600 })
  try {
    for (;;) {
      if (tryLink(claim, lock)) return () => rmSync(lock, { force: true })
      const holder = readText(lock)
      if (holder !== null && isHeld(holder)) throw held(holder)
      if (holder !== null) removeStale(lock, holder, held)
    }
  } finally {
    rmSync(claim, { force: true })
  }
}

/** A link appears with its content or not at all, and only where there is none. */
function tryLink(claim: string, lock: string): boolean {
  try {
    linkSync(claim, lock)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Of two processes that find the same stale lock only one moves it away; the other may have moved the new holder's. */
function removeStale(lock: string, holder: string, held: (holder: string) => StartupError): void {
  const moved = `${lock}.stale.${process.pid}`
  try {
    renameSync(lock, moved)
  } catch {
    return
  }
  const current = readText(moved)
  if (current !== null && current !== holder) {
    tryLink(moved, lock)
    rmSync(moved, { force: true })
    throw held(current)
  }
  rmSync(moved, { force: true })
}

function isHeld(holder: string): boolean {
  const [pid, start] = holder.trim().split(' ')
  return isAlive(Number(pid)) && startTime(Number(pid)) === start
}

/** Tells a process from a later one with the same pid. On Linux, field 22 of /proc/pid/stat (proc(5)); else unknown. */
function startTime(pid: number): string {
  // The second field, the command in parentheses, may itself hold spaces and parentheses.
  return readText(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '').split(' ')[19] ?? 'unknown'
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
