/** The keys of one reading of the file. */
import { timingSafeEqual } from 'node:crypto'
import { hashApiKey, type ApiKey } from './api-key.ts'
import type { KeyEntry } from './key-file.ts'

export type KeyRing = Readonly<{
  /** The key that `token` is at that time, or null. */
  find: (token: string, nowMs: number) => ApiKey | null
  /** When the next key ends after that time; Infinity where none will. */
  nextEndMs: (nowMs: number) => number
  size: number
}>

type HeldKey = Readonly<{ hash: Buffer; endMs: number; key: ApiKey }>

export function createKeyRing(entries: readonly KeyEntry[]): KeyRing {
  const held: readonly HeldKey[] = entries.flatMap(({ name, sha256, scopes, expires_at, former = [] }) => {
    const key = { name, scopes }
    const hold = (hash: string, end: string | undefined) => {
      return { hash: Buffer.from(hash, 'hex'), endMs: end === undefined ? Infinity : Date.parse(end), key }
    }
    return [hold(sha256, expires_at), ...former.map((one) => hold(one.sha256, one.expires_at))]
  })
  return {
    size: entries.length,
    find: (token, nowMs) => {
      const presented = hashApiKey(token)
      let found: HeldKey | null = null
      for (const one of held) if (timingSafeEqual(one.hash, presented)) found = one
      return found !== null && nowMs < found.endMs ? found.key : null
    },
    nextEndMs: (nowMs) => held.reduce((next, { endMs }) => (endMs > nowMs && endMs < next ? endMs : next), Infinity),
  }
}
