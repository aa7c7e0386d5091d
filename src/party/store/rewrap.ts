/**
 * Rotation of the key-encryption key. Only the key files change, and a running party does not read them again, so it
 * goes on serving. First every file gets the data key under the new key too, then every file loses the old: whenever
 * this stops, all files open under the old key, or all under the new one, and it can be started again.
 */
import {
  readKeyFile,
  unwrapDataKey,
  wrapVerified,
  writeKeyFile,
  type KeyFile,
  type StoreKind,
} from './data-key-file.ts'
import type { KeyEncryption, WrappedKey } from './key-encryption.ts'
import { StorageError, type Records } from './records.ts'

export type KeyFileRecords = Readonly<Record<StoreKind, Records>>

/** What a file's data key was encrypted under, and is now. */
export type Rewrapped = Readonly<{
  store: StoreKind
  before: readonly string[]
  after: string
  changed: boolean
}>

/**
 * `from` and `to` may be the same key: then its newest version is used.
 * @throws StorageError when a file opens under neither, or what the keys' services throw.
 */
export async function rewrapKeyFiles(
  records: KeyFileRecords,
  deviceId: string,
  from: KeyEncryption,
  to: KeyEncryption,
): Promise<readonly Rewrapped[]> {
  const widened = []
  for (const store of ['shares', 'guard'] as const) {
    const file = await readKeyFile(records[store], store, deviceId)
    if (file === null) throw new StorageError(`key file of the ${store}: is missing: no party of this release was here`)
    const slot = await slotUnder(file, from, to)
    if (!file.wrapped.includes(slot)) await writeKeyFile(records[store], { ...file, wrapped: [...file.wrapped, slot] })
    widened.push({ store, file, slot })
  }
  const results: Rewrapped[] = []
  for (const { store, file, slot } of widened) {
    const only = file.wrapped.length === 1 && file.wrapped[0] === slot
    if (!only) await writeKeyFile(records[store], { ...file, wrapped: [slot] })
    results.push({ store, before: file.wrapped.map(nameOf), after: nameOf(slot), changed: !only })
  }
  return results
}

/** The file's own slot where it has one under the newest version of the new key, which an earlier try may have left. */
async function slotUnder(file: KeyFile, from: KeyEncryption, to: KeyEncryption): Promise<WrappedKey> {
  const started = file.wrapped.some(({ wrappedBy }) => wrappedBy === to.keyId)
  const dataKey = await unwrapDataKey(file, started ? to : from)
  try {
    const fresh = await wrapVerified(file, dataKey, to)
    const same = file.wrapped.findLast((slot) => nameOf(slot) === nameOf(fresh))
    return same !== undefined && (await opens(file, same, to)) ? same : fresh
  } finally {
    dataKey.fill(0)
  }
}

async function opens(file: KeyFile, slot: WrappedKey, encryption: KeyEncryption): Promise<boolean> {
  try {
    const dataKey = await unwrapDataKey({ ...file, wrapped: [slot] }, encryption)
    dataKey.fill(0)
    return true
  } catch (error) {
    if (error instanceof StorageError) return false
    throw error
  }
}

function nameOf({ wrappedBy, keyVersion }: WrappedKey): string {
  return `${wrappedBy} version ${keyVersion}`
}
