/**
 * What `mpc keys …` does. The key itself goes to standard output, and everything else that is said to standard error.
 */
import { newApiKey, type Scope } from '../../edge/api-keys/api-key.ts'
import type { KeyEntry } from '../../edge/api-keys/key-file.ts'
import { StartupError } from '../startup-error.ts'
import { showDuration } from './duration.ts'
import { created, listed, revoked, rotated, type Changed, type ListedKey, type NewKey } from './entries.ts'
import { changeKeys, readKeys } from './key-store.ts'

export type KeyOptions = Readonly<{ file?: string; json?: true }>
export type CreateOptions = KeyOptions & Readonly<{ scopes: readonly Scope[]; expiresIn?: number }>
export type RotateOptions = KeyOptions & Readonly<{ overlap: number; expiresIn?: number }>

export async function create(name: string, options: CreateOptions): Promise<void> {
  const { scopes, expiresIn: lifetimeMs = null } = options
  await withNewKey(options, (entries, fresh) => created(entries, fresh, { name, scopes, lifetimeMs }))
}

export async function rotate(name: string, options: RotateOptions): Promise<void> {
  const { overlap: overlapMs, expiresIn: lifetimeMs = null } = options
  await withNewKey(options, (entries, fresh) => rotated(entries, fresh, { name, overlapMs, lifetimeMs }))
}

export async function revoke(name: string, options: KeyOptions): Promise<void> {
  const entry = await changeKeys(fileOf(options), (entries) => revoked(entries, name))
  if (options.json === true) print({ name: entry.name, revoked: true })
  say(`"${name}" is revoked: services refuse it within two seconds`)
}

export function list(options: KeyOptions): void {
  const nowMs = Date.now()
  const keys = readKeys(fileOf(options)).map((entry) => listed(entry, nowMs))
  if (options.json === true) return print(keys)
  const rows = keys.map((key) => [key.name, key.scopes.join(','), ageOf(key, nowMs), endOf(key, nowMs), formerOf(key)])
  const all = [['NAME', 'SCOPES', 'AGE', 'EXPIRES', 'FORMER KEYS'], ...rows]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  for (const row of all) console.log(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd())
}

async function withNewKey(
  options: KeyOptions,
  change: (entries: readonly KeyEntry[], fresh: NewKey) => Changed,
): Promise<void> {
  const key = newApiKey()
  const file = fileOf(options)
  const entry = await changeKeys(file, (entries) => change(entries, { key, nowMs: Date.now() }))
  const { name, scopes, expires_at, former_until } = listed(entry, Date.now())
  if (options.json === true) print({ name, key, scopes, created_at: entry.created_at, expires_at, former_until })
  else console.log(key)
  const end = expires_at === null ? 'it does not expire' : `it expires at ${expires_at}`
  say(`the key of "${name}" (${scopes.join(', ')}) is shown this once, ${file} holds its hash; ${end}`)
  for (const until of former_until) say(`a former key works until ${until}`)
}

function fileOf({ file }: KeyOptions): string {
  if (file !== undefined && file !== '') return file
  throw new StartupError('which file? say it with --file, or in MPC_API_KEYS_FILE')
}

function ageOf({ created_at }: ListedKey, nowMs: number): string {
  return created_at === null ? 'unknown' : showDuration(Math.max(0, nowMs - Date.parse(created_at)))
}

function endOf({ expires_at, is_expired }: ListedKey, nowMs: number): string {
  if (expires_at === null) return 'never'
  return is_expired ? 'expired' : `in ${showDuration(Date.parse(expires_at) - nowMs)}`
}

function formerOf({ former_until }: ListedKey): string {
  return former_until.length === 0 ? '' : `until ${former_until.join(', ')}`
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2))
}

function say(line: string): void {
  console.error(`mpc: ${line}`)
}
