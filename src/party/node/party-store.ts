/** Everything a party keeps, as encrypted files: its shares in one folder, its guard in another. */
import { join } from 'node:path'
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom, systemClock } from '../clock.ts'
import type { PartyStore } from '../party-parts.ts'
import type { KeyEncryption } from '../store/key-encryption.ts'
import { localKeyEncryption } from '../store/local-key-encryption.ts'
import { createPartyStore } from '../store/party-store.ts'
import type { Records } from '../store/records.ts'
import { openStoreKeys, wipeStoreKeys, type StoreRecords } from '../store/store-keys.ts'
import { openFileRecords } from './file-records.ts'

export type PartyFolders = Readonly<{ shares: string; guard: string }>

/** Where the guard is unless somebody wants it elsewhere. */
export function guardFolderOf(shareFolder: string): string {
  return join(shareFolder, 'guard')
}

/**
 * `kek`: the 32-byte key-encryption key. The folder belongs to one device and to one process at a time.
 * @throws StorageError when the folder cannot be used or its records do not open under this key.
 */
export async function openPartyStore(
  folder: string,
  kek: Uint8Array,
  deviceId: string,
  rng: Rng = secureRandom,
): Promise<PartyStore> {
  const encryption = localKeyEncryption(kek, rng)
  try {
    return await openPartyFolders({ shares: folder, guard: guardFolderOf(folder) }, encryption, deviceId, rng)
  } finally {
    encryption.close()
  }
}

/**
 * `encryption` is not asked again once the store is open. @throws StorageError as above, or what `encryption` throws.
 */
export async function openPartyFolders(
  folders: PartyFolders,
  encryption: KeyEncryption,
  deviceId: string,
  rng: Rng = secureRandom,
): Promise<PartyStore> {
  const records = await storeRecords(folders, openFileRecords)
  const keys = await openStoreKeys(records, encryption, deviceId, rng)
  try {
    return await createPartyStore(records, keys, deviceId, rng, systemClock.nowMs())
  } finally {
    wipeStoreKeys(keys)
  }
}

/** `open`: `openFileRecords` for the party itself, `fileRecords` for whoever comes while it runs. */
export async function storeRecords(
  { shares, guard }: PartyFolders,
  open: (folder: string, ending: string) => Records | Promise<Records>,
): Promise<StoreRecords> {
  return {
    shareKeys: await open(shares, '.key'),
    shares: await open(shares, '.share'),
    sessions: await open(shares, '.session'),
    formerLedgers: await open(shares, '.ledger'),
    guardKeys: await open(guard, '.key'),
    ledgers: await open(guard, '.ledger'),
    approvals: await open(guard, '.approvals'),
  }
}
