/**
 * API keys from a file that may change while a service runs. It is looked at once a second and not watched: that works
 * for a file that is replaced, edited in place, behind a symbolic link that is moved (Kubernetes), or on a network
 * disk.
 */
import { readFileSync, statSync, type BigIntStats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { ConfigurationError } from '../configuration-error.ts'
import type { ApiKeys, KeyFollower } from './api-key.ts'
import { isProblem, parseKeyFile } from './key-file.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'

const lookEveryMs = 1_000
/** A file may change twice within one tick of its clock, so one that is this young is read again. */
const youngMs = 2_000
const othersMayWrite = 0o002

/** Throws ConfigurationError naming `variable` where the file cannot be used now; later the keys before stay in use. */
export function openApiKeys(variable: string, path: string, now: () => number = Date.now): ApiKeys {
  const first = readNow(path)
  if (typeof first === 'string') throw new ConfigurationError(variable, `${path} ${first}`)
  let ring = first.ring
  return {
    find: (token) => ring.find(token, now()),
    follow: (follower) => {
      follower.read(null, ring.size)
      return follow(path, first, follower, now, (next) => (ring = next))
    },
  }
}

type Reading = Readonly<{ ring: KeyRing; text: string; seen: string }>

function follow(
  path: string,
  first: Reading,
  follower: KeyFollower,
  now: () => number,
  use: (ring: KeyRing) => void,
): () => void {
  let current = first
  let problem: string | null = null
  let nextEndMs = current.ring.nextEndMs(now())
  const look = async () => {
    // What could not be used is read again until it can: nothing tells when its permissions have changed.
    const read = await readLater(path, problem === null ? current.seen : '', now())
    if (typeof read === 'string') {
      if (read !== problem) follower.read(read, current.ring.size)
      problem = read
    } else if (read !== null) {
      const isNew = read.text !== current.text
      current = read
      if (isNew) use(current.ring)
      if (isNew || problem !== null) follower.read(null, current.ring.size)
      problem = null
      if (isNew) nextEndMs = 0
    }
    // Also where the file is as it was, or cannot be read: a key ends when its time has come.
    if (now() < nextEndMs) return
    nextEndMs = current.ring.nextEndMs(now())
    follower.changed()
  }
  let timer: NodeJS.Timeout
  let stopped = false
  const lookLater = () => {
    timer = setTimeout(() => {
      void look().finally(() => stopped || lookLater())
    }, lookEveryMs)
    timer.unref()
  }
  lookLater()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** What the file holds, or why that cannot be used. */
function readNow(path: string): Reading | string {
  try {
    const stats = statSync(path, { bigint: true })
    return readingOf(readFileSync(path, 'utf8'), stats)
  } catch {
    return 'cannot be read'
  }
}

/** Null where the file is as it was. */
async function readLater(path: string, seen: string, nowMs: number): Promise<Reading | string | null> {
  try {
    const stats = await stat(path, { bigint: true })
    const isYoung = Number(stats.ctimeMs) + youngMs > nowMs
    if (identityOf(stats) === seen && !isYoung) return null
    return readingOf(await readFile(path, 'utf8'), stats)
  } catch {
    return 'cannot be read'
  }
}

function readingOf(text: string, stats: BigIntStats): Reading | string {
  if (process.platform !== 'win32' && (Number(stats.mode) & othersMayWrite) !== 0) {
    return 'may be written by any user of this machine: chmod 640'
  }
  const parsed = parseKeyFile(text)
  return isProblem(parsed) ? parsed.problem : { ring: createKeyRing(parsed), text, seen: identityOf(stats) }
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
