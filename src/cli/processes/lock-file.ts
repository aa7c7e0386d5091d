/** A lock file that names its holder, and that a killed holder does not leave locked. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isAlive } from './leftover.ts'

/** `holder`: the process id of the running process that has the lock. */
export type LockAttempt = Readonly<{ release: () => void }> | Readonly<{ holder: string }>

/** Takes the lock if nobody has it. Two calls of one process are the same holder's: the second does not get it. */
export function tryLock(lock: string): LockAttempt {
  const own = `${process.pid} ${startTime(process.pid)}\n`
  const claim = `${lock}.${process.pid}`
  writeFileSync(claim, own, { mode: 0o600 })
  try {
    for (;;) {
      if (tryLink(claim, lock)) return { release: () => rmSync(lock, { force: true }) }
      const holder = readText(lock)
      if (holder !== null && isHeld(holder)) return { holder: pidOf(holder) }
      const other = holder === null ? null : removeStale(lock, holder)
      if (other !== null) return { holder: pidOf(other) }
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

/**
 * Of two processes that find the same stale lock only one moves it away; the other may have moved the new holder's, and
 * gets to know it.
 */
function removeStale(lock: string, holder: string): string | null {
  const moved = `${lock}.stale.${process.pid}`
  try {
    renameSync(lock, moved)
  } catch {
    return null
  }
  const current = readText(moved)
  const isAnother = current !== null && current !== holder
  if (isAnother) tryLink(moved, lock)
  rmSync(moved, { force: true })
  return isAnother ? current : null
}

function pidOf(holder: string): string {
  return holder.split(' ')[0] ?? ''
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
