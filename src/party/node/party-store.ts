/** Everything a party keeps, as encrypted files in one folder. */
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom } from '../clock.ts'
import type { PartyStore } from '../party-parts.ts'
import { createPartyStore } from '../store/party-store.ts'
import { openFileRecords } from './file-records.ts'

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
  const [shares, ledgers, approvals, sessions] = [
    await openFileRecords(folder, '.share'),
    await openFileRecords(folder, '.ledger'),
    await openFileRecords(folder, '.approvals'),
    await openFileRecords(folder, '.session'),
  ]
  return createPartyStore({ shares, ledgers, approvals, sessions }, kek, deviceId, rng)
}
