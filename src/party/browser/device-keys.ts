/**
 * The keys a device has in its browser. Identity (Ed25519) and wrapping key (AES-256-GCM) are CryptoKeys that no script
 * can export; the wrapping key encrypts the key-encryption key, over the application's own secret where there is one.
 * docs/security.md says what that is worth.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { Rng } from '../../crypto/protocol.ts'
import { identityFromKey, type Identity } from '../../identity/identity-key.ts'
import { StorageError } from '../store/records.ts'
import { openRecord, recordKey, sealRecord, type RecordKey } from '../store/sealed-record.ts'
import { durably, recordStoreNames, storageAttempt, type DeviceDatabase } from './device-database.ts'
import { newUnlockForm, unlockingKey, type Unlock, type UnlockForm } from './unlock.ts'

/** As stored. */
export type DeviceKeys = WrappedKek &
  Readonly<{
    deviceId: string
    identityKey: CryptoKey
    /** 32 bytes. */
    identityPublicKey: Uint8Array<ArrayBuffer>
    wrappingKey: CryptoKey
  }>

type WrappedKek = Readonly<{
  /** Of AES-GCM. */
  nonce: Uint8Array<ArrayBuffer>
  wrappedKek: Uint8Array<ArrayBuffer>
  /** Null: opens without a secret of the application. */
  unlock: UnlockForm | null
}>

export type OpenedKeys = Readonly<{ identity: Identity; /** 32 bytes; wipe it after use. */ kek: Uint8Array }>

const entry = 'device'
const nonceLength = 12
const kekLength = 32
const innerRecordName = 'kek'

/** Makes the keys of a new store. `unlock`: what the store was made with. @throws StorageError */
export async function openDeviceKeys(
  database: DeviceDatabase,
  deviceId: string,
  unlock: Unlock | null,
  rng: Rng,
): Promise<OpenedKeys> {
  const keys = (await readKeys(database)) ?? (await makeKeys(database, deviceId, unlock, rng))
  const kek = await unwrapKek(keys, deviceId, unlock, rng)
  return { identity: identityFromKey(keys.identityKey, keys.identityPublicKey), kek }
}

/** From now on the store opens with `unlock` instead. `kek`: what it has opened to. @throws StorageError */
export async function rewrapDeviceKeys(
  database: DeviceDatabase,
  kek: Uint8Array,
  unlock: Unlock | null,
  rng: Rng,
): Promise<void> {
  const keys = await readKeys(database)
  if (keys === undefined) throw new StorageError('the keys of the device are gone')
  await writeKeys(database, { ...keys, ...(await wrapKek(keys.wrappingKey, keys.deviceId, kek, unlock, rng)) })
}

async function makeKeys(
  database: DeviceDatabase,
  deviceId: string,
  unlock: Unlock | null,
  rng: Rng,
): Promise<DeviceKeys> {
  for (const store of recordStoreNames) {
    const count = await storageAttempt(`${store} cannot be read`, () => database.count(store))
    if (count > 0) throw new StorageError(`the store has ${store} but no keys to open them with`)
  }
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  const identityPublicKey = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  const aes = { name: 'AES-GCM', length: 256 }
  const wrappingKey = await crypto.subtle.generateKey(aes, false, ['encrypt', 'decrypt'])
  const kek = rng(kekLength)
  const wrapped = await wrapKek(wrappingKey, deviceId, kek, unlock, rng)
  kek.fill(0)
  const keys = { deviceId, identityKey: privateKey, identityPublicKey, wrappingKey, ...wrapped }
  await writeKeys(database, keys)
  return keys
}

async function wrapKek(
  wrappingKey: CryptoKey,
  deviceId: string,
  kek: Uint8Array,
  unlock: Unlock | null,
  rng: Rng,
): Promise<WrappedKek> {
  const form = unlock === null ? null : newUnlockForm(unlock, rng)
  const nonce = Uint8Array.from(rng(nonceLength))
  const inner =
    form === null ? kek : sealRecord(await innerKey(form, unlock, deviceId, rng), innerRecordName, {}, kek)
  const parameters = wrapping(nonce, deviceId)
  const wrappedKek = await crypto.subtle.encrypt(parameters, wrappingKey, Uint8Array.from(inner))
  return { nonce, wrappedKek: new Uint8Array(wrappedKek), unlock: form }
}

async function unwrapKek(
  { wrappingKey, nonce, wrappedKek, unlock: form, deviceId: owner }: DeviceKeys,
  deviceId: string,
  unlock: Unlock | null,
  rng: Rng,
): Promise<Uint8Array> {
  if (owner !== deviceId) throw new StorageError(`the store belongs to the device ${owner}`)
  if (form === null && unlock !== null) throw new StorageError('unlock: the store opens without one')
  const inner = await storageAttempt(
    'the key-encryption key cannot be decrypted',
    async () => new Uint8Array(await crypto.subtle.decrypt(wrapping(nonce, deviceId), wrappingKey, wrappedKek)),
  )
  if (form === null) return inner
  const key = await innerKey(form, unlock, deviceId, rng)
  try {
    return openRecord(key, innerRecordName, inner).body
  } catch (error) {
    throw new StorageError(`unlock: this is not the ${form.kind} of the store`, { cause: error })
  }
}

async function innerKey(form: UnlockForm, unlock: Unlock | null, deviceId: string, rng: Rng): Promise<RecordKey> {
  const secret = await unlockingKey(form, unlock)
  const key = recordKey({ dataKey: secret, former: secret }, 'key-encryption-key', deviceId, rng)
  secret.fill(0)
  return key
}

/** One nonce encrypts one value, which belongs to one device. */
function wrapping(nonce: Uint8Array<ArrayBuffer>, deviceId: string): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: Uint8Array.from(utf8ToBytes(`mpc-system/v1/kek/${deviceId}`)) }
}

function readKeys(database: DeviceDatabase): Promise<DeviceKeys | undefined> {
  return storageAttempt('the keys of the device cannot be read', () => database.get('keys', entry))
}

function writeKeys(database: DeviceDatabase, keys: DeviceKeys): Promise<void> {
  return storageAttempt('the keys of the device cannot be written', async () => {
    const { store, done } = database.transaction('keys', 'readwrite', durably)
    await Promise.all([store.put(keys, entry), done])
  })
}
