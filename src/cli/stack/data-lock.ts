/** One stack per data folder, and one writer per folder of other kinds. */
import { join } from 'node:path'
import { tryLock } from '../processes/lock-file.ts'
import { StartupError } from '../startup-error.ts'

/** Takes the lock of a stack's folder; returns its release. Throws StartupError if a running process holds it. */
export function lockDataFolder(folder: string): () => void {
  const inUse = (pid: string) => `the data folder ${folder} is in use by process ${pid}: stop it, or use --data`
  return lockFolder(folder, inUse)
}

/** The same for any folder; `inUse` says what is wrong where a process holds it. */
export function lockFolder(folder: string, inUse: (pid: string) => string): () => void {
  const attempt = tryLock(join(folder, 'lock'))
  if ('release' in attempt) return attempt.release
  throw new StartupError(inUse(attempt.holder))
}
