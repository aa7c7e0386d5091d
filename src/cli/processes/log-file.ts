/** One log file per process, appended to. A large one is set aside when its process starts. */
import { mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const maxBytesBeforeRotation = 16 * 1024 * 1024

/** An open file descriptor for appending. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxBytesBeforeRotation) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}
