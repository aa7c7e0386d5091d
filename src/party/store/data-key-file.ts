/**
 * A store's data key, encrypted under the key-encryption key: one small file per store. All records of the store are
 * sealed under the data key, so rotating the key-encryption key changes this file alone, and opening a store asks the
 * key's service once. While a key is being rotated the file holds the data key under the old key and under the new one.
 */
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { concatBytes, uint32 } from '../../crypto/bytes.ts'
import type { KeyEncryption, WrappedKey } from './key-encryption.ts'
import { StorageError, type Records } from './records.ts'
import { dataKeyId } from './sealed-record.ts'

/** `shares`: shares and open sessions. `guard`: what must never be forgotten, and is kept apart for that. */
export type StoreKind = 'shares' | 'guard'

/** What is authenticated with the data key. */
export type KeyFileHeader = Readonly<{
  store: StoreKind
  deviceId: string
  /** The guard's own id; in the file of the shares, that of the guard which belongs to them. */
  guardId: string
  dataKeyId: string
}>

/** At least one wrapped key. */
export type KeyFile = KeyFileHeader & Readonly<{ wrapped: readonly WrappedKey[] }>

const fileName = 'store'
const fileVersion = 1
const hex = (digits: number) => new RegExp(`^[0-9a-f]{${digits}}$`)

/** Null where there is none. @throws StorageError when it cannot be read or belongs elsewhere. */
export async function readKeyFile(records: Records, store: StoreKind, deviceId: string): Promise<KeyFile | null> {
  const bytes = await records.get(fileName)
  if (bytes === null) return null
  const file = parse(new TextDecoder().decode(bytes))
  if (file === null) throw failure(store, 'the file is damaged')
  if (file.store !== store) throw failure(store, `this is the key file of the ${file.store}`)
  if (file.deviceId !== deviceId) throw failure(store, `belongs to the device ${file.deviceId}`)
  return file
}

/** Durable once resolved. */
export async function writeKeyFile(records: Records, file: KeyFile): Promise<void> {
  await records.put(fileName, utf8ToBytes(textOf(file)))
}

/** The file of a new data key, or of one that is in use already. */
export async function newKeyFile(
  header: Omit<KeyFileHeader, 'dataKeyId'>,
  dataKey: Uint8Array,
  encryption: KeyEncryption,
): Promise<KeyFile> {
  const named = { ...header, dataKeyId: bytesToHex(dataKeyId(dataKey)) }
  return { ...named, wrapped: [await wrapVerified(named, dataKey, encryption)] }
}

/** Wraps, and has the service give it back: nobody deletes an old key for a new one that does not open. */
export async function wrapVerified(
  header: KeyFileHeader,
  dataKey: Uint8Array,
  encryption: KeyEncryption,
): Promise<WrappedKey> {
  const wrapped = await encryption.wrap(dataKey, contextOf(header))
  const opened = await encryption.unwrap(wrapped, contextOf(header))
  const same = opened !== null && bytesToHex(dataKeyId(opened)) === header.dataKeyId
  opened?.fill(0)
  if (!same) throw failure(header.store, `the key ${encryption.keyId} does not give back what it has wrapped`)
  return wrapped
}

/** Wipe it after use. @throws StorageError naming the cause; ConfigurationError when the service cannot be asked. */
export async function unwrapDataKey(file: KeyFile, encryption: KeyEncryption): Promise<Uint8Array> {
  const candidates = file.wrapped.filter(({ wrappedBy }) => wrappedBy === encryption.keyId)
  if (candidates.length === 0) {
    const others = file.wrapped.map(({ wrappedBy }) => wrappedBy).join(', ')
    throw failure(file.store, `encrypted under the key ${others}, but the key given is ${encryption.keyId}`)
  }
  for (const wrapped of candidates) {
    const dataKey = await encryption.unwrap(wrapped, contextOf(file))
    if (dataKey === null) continue
    if (dataKey.length === 32 && bytesToHex(dataKeyId(dataKey)) === file.dataKeyId) return dataKey
    dataKey.fill(0)
  }
  throw failure(file.store, `cannot be decrypted under the key ${encryption.keyId}: the file is damaged`)
}

function failure(store: StoreKind, problem: string): StorageError {
  return new StorageError(`key file of the ${store}: ${problem}`)
}

function contextOf({ store, deviceId, guardId, dataKeyId }: KeyFileHeader): Uint8Array {
  const parts = [`mpc-system/data-key/v${fileVersion}`, store, deviceId, guardId, dataKeyId].map(utf8ToBytes)
  return concatBytes(...parts.flatMap((part) => [uint32(part.length), part]))
}

/** For people to read, and in one spelling only: a file that was changed anywhere is not taken for ours. */
function textOf({ store, deviceId, guardId, dataKeyId, wrapped }: KeyFile): string {
  const slots = wrapped.map(({ wrappedBy, keyVersion, ciphertext }) => ({ wrappedBy, keyVersion, ciphertext }))
  return `${JSON.stringify({ version: fileVersion, store, deviceId, guardId, dataKeyId, wrapped: slots }, null, 2)}\n`
}

function parse(text: string): KeyFile | null {
  let read: Partial<KeyFile>
  try {
    read = JSON.parse(text) as Partial<KeyFile> // checked field by field below
  } catch {
    return null
  }
  if (typeof read !== 'object' || read === null || !Array.isArray(read.wrapped)) return null
  const { store, deviceId, guardId = '', dataKeyId = '', wrapped } = read
  const sound =
    (store === 'shares' || store === 'guard') &&
    typeof deviceId === 'string' &&
    hex(32).test(guardId) &&
    hex(16).test(dataKeyId) &&
    wrapped.length > 0 &&
    wrapped.every(isWrappedKey)
  if (!sound) return null
  const file = { store, deviceId, guardId, dataKeyId, wrapped }
  return textOf(file) === text ? file : null
}

function isWrappedKey(slot: Partial<WrappedKey> | null): boolean {
  return (
    typeof slot === 'object' &&
    slot !== null &&
    typeof slot.wrappedBy === 'string' &&
    Number.isSafeInteger(slot.keyVersion) &&
    typeof slot.ciphertext === 'string'
  )
}
