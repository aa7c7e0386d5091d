/**
 * Changing the file of API keys: one command at a time, and a reader sees the file before or after, never between. The
 * file is never readable by more users than before; a new one is its owner's alone.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isProblem, parseKeyFile, type KeyEntry } from '../../edge/api-keys/key-file.ts'
import { tryLock } from '../processes/lock-file.ts'
import { StartupError } from '../startup-error.ts'

const lockWaitMs = 20_000
const lockRetryMs = 20
const newMode = 0o600
/** Reading by a group is how a service under another user gets at the file. */
const tooOpen = 0o037

type Owner = Readonly<{ uid: number; gid: number; mode: number }>

/** Throws StartupError where the file is not there or cannot be used. */
export function readKeys(file: string): readonly KeyEntry[] {
  const { entries, owner } = load(file)
  if (owner === null) throw new StartupError(`${file} does not exist`)
  return entries
}

/** Puts what `change` makes of the entries in their place. Throws StartupError, and what `change` throws. */
export async function changeKeys<T>(
  file: string,
  change: (entries: readonly KeyEntry[]) => Readonly<{ entries: readonly KeyEntry[]; result: T }>,
): Promise<T> {
  // What is replaced is the file, not a link to it.
  const path = targetOf(file)
  const release = await lock(path)
  try {
    const { entries: before, owner } = load(path)
    const { entries, result } = change(before)
    const text = `${JSON.stringify(entries, null, 2)}\n`
    const parsed = parseKeyFile(text)
    if (isProblem(parsed)) throw new StartupError(`the new ${file} ${parsed.problem}`)
    replace(path, text, owner)
    return result
  } finally {
    release()
  }
}

function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return join(realFolderOf(file), basename(file))
  }
}

function realFolderOf(file: string): string {
  try {
    return realpathSync(dirname(file))
  } catch {
    throw new StartupError(`the folder of ${file} does not exist`)
  }
}

async function lock(path: string): Promise<() => void> {
  const untilMs = performance.now() + lockWaitMs
  for (;;) {
    const attempt = tryLockOf(path)
    if ('release' in attempt) return attempt.release
    if (performance.now() > untilMs) throw new StartupError(`${path} is being changed by process ${attempt.holder}`)
    await delay(lockRetryMs)
  }
}

function tryLockOf(path: string) {
  try {
    return tryLock(`${path}.lock`)
  } catch (error) {
    throw new StartupError(`the folder of ${path} cannot be written: ${reasonOf(error)}`)
  }
}

/** `owner` is null where there is no file yet. */
function load(path: string): Readonly<{ entries: readonly KeyEntry[]; owner: Owner | null }> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return { entries: [], owner: null }
    throw new StartupError(`${path} cannot be read: ${reasonOf(error)}`)
  }
  try {
    const { uid, gid, mode } = fstatSync(file)
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & tooOpen) !== 0) {
      throw new StartupError(`${path} is open to more than its owner and readers of its group: chmod 640 ${path}`)
    }
    const parsed = parseKeyFile(readFileSync(file, 'utf8'))
    if (isProblem(parsed)) throw new StartupError(`${path} ${parsed.problem}`)
    return { entries: parsed, owner: { uid, gid, mode: mode & 0o777 } }
  } finally {
    closeSync(file)
  }
}

/** Flushed before it takes the place of the old one, and the folder after. */
function replace(path: string, text: string, owner: Owner | null): void {
  const folder = dirname(path)
  const ending = '.new'
  // Left by a command that was killed; we hold the lock.
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${basename(path)}.`) && name.endsWith(ending)) rmSync(join(folder, name), { force: true })
  }
  const fresh = `${path}.${randomUUID()}${ending}`
  const file = openSync(fresh, 'wx', newMode)
  try {
    writeFileSync(file, text)
    if (owner !== null) keepOwner(file, path, owner)
    fsyncSync(file)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
  const directory = openSync(folder, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function keepOwner(file: number, path: string, { uid, gid, mode }: Owner): void {
  const now = fstatSync(file)
  try {
    if (now.uid !== uid || now.gid !== gid) fchownSync(file, uid, gid)
  } catch {
    throw new StartupError(`${path} belongs to another user: run this as its owner`)
  }
  fchmodSync(file, mode)
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
