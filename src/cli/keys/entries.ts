/** What the commands make of the entries of a file of API keys. Pure: time and new keys come in. */
import { hashApiKey } from '../../edge/api-keys/api-key.ts'
import type { Scope } from '../../edge/api-keys/api-key.ts'
import type { FormerKey, KeyEntry } from '../../edge/api-keys/key-file.ts'
import { StartupError } from '../startup-error.ts'

export type NewKey = Readonly<{ key: string; nowMs: number }>
export type Changed = Readonly<{ entries: readonly KeyEntry[]; result: KeyEntry }>

/** `lifetimeMs` null: until it is revoked. */
export function created(
  entries: readonly KeyEntry[],
  { key, nowMs }: NewKey,
  wanted: Readonly<{ name: string; scopes: readonly Scope[]; lifetimeMs: number | null }>,
): Changed {
  const { name, scopes, lifetimeMs } = wanted
  if (entries.some((entry) => entry.name === name)) {
    throw new StartupError(`there is a key "${name}" already: rotate it, or revoke it first`)
  }
  const result: KeyEntry = {
    name,
    sha256: hashApiKey(key).toString('hex'),
    scopes,
    created_at: timeOf(nowMs),
    ...(lifetimeMs !== null && { expires_at: timeOf(nowMs + lifetimeMs) }),
  }
  return { entries: [...entries, result], result }
}

/**
 * The new key lives as long from now on as the one before was made to, unless `lifetimeMs` says otherwise. The one
 * before works for `overlapMs` more, but no longer than it would have; with none, all former keys end at once.
 */
export function rotated(
  entries: readonly KeyEntry[],
  { key, nowMs }: NewKey,
  wanted: Readonly<{ name: string; overlapMs: number; lifetimeMs: number | null }>,
): Changed {
  const { name, overlapMs, lifetimeMs } = wanted
  const before = entryOf(entries, name)
  const oldEndMs = Math.min(nowMs + overlapMs, endOf(before.expires_at))
  const old: FormerKey = { sha256: before.sha256, expires_at: timeOf(oldEndMs) }
  const former = overlapMs === 0 ? [] : [...(before.former ?? []), old]
  const stillValid = former.filter(({ expires_at }) => Date.parse(expires_at) > nowMs)
  const lifetime = lifetimeMs ?? lifetimeOf(before)
  const result: KeyEntry = {
    name,
    sha256: hashApiKey(key).toString('hex'),
    scopes: before.scopes,
    created_at: timeOf(nowMs),
    ...(lifetime !== null && { expires_at: timeOf(nowMs + lifetime) }),
    ...(stillValid.length > 0 && { former: stillValid }),
  }
  return { entries: entries.map((entry) => (entry === before ? result : entry)), result }
}

export function revoked(entries: readonly KeyEntry[], name: string): Changed {
  const result = entryOf(entries, name)
  return { entries: entries.filter((entry) => entry !== result), result }
}

export type ListedKey = Readonly<{
  name: string
  scopes: readonly Scope[]
  created_at: string | null
  expires_at: string | null
  is_expired: boolean
  /** Until when keys that were replaced still work. */
  former_until: readonly string[]
}>

/** Nothing that would help to guess or to recognise a key. */
export function listed(entry: KeyEntry, nowMs: number): ListedKey {
  const { name, scopes, created_at = null, expires_at = null, former = [] } = entry
  const valid = former.filter((one) => Date.parse(one.expires_at) > nowMs)
  return {
    name,
    scopes,
    created_at,
    expires_at,
    is_expired: endOf(expires_at ?? undefined) <= nowMs,
    former_until: valid.map((one) => one.expires_at),
  }
}

function entryOf(entries: readonly KeyEntry[], name: string): KeyEntry {
  const found = entries.find((entry) => entry.name === name)
  if (found === undefined) throw new StartupError(`there is no key "${name}"`)
  return found
}

function lifetimeOf({ created_at, expires_at }: KeyEntry): number | null {
  if (expires_at === undefined) return null
  if (created_at !== undefined) return Math.max(0, Date.parse(expires_at) - Date.parse(created_at))
  throw new StartupError('nobody knows how long this key was to live: say it with --expires-in')
}

function endOf(time: string | undefined): number {
  return time === undefined ? Infinity : Date.parse(time)
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
