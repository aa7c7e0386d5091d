/** Everything a party keeps, encrypted, in the device's database. */
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom } from '../clock.ts'
import type { PartyStore } from '../party-parts.ts'
import { createPartyStore } from '../store/party-store.ts'
import type { DeviceDatabase } from './device-database.ts'
import { openIndexedDbRecords } from './indexed-db-records.ts'

/**
 * `kek`: the 32-byte key-encryption key. The database belongs to one device and to one page at a time (store-lock.ts).
 * @throws StorageError when its records do not open under this key.
 */
export function openBrowserPartyStore(
  database: DeviceDatabase,
  kek: Uint8Array,
  deviceId: string,
  rng: Rng = secureRandom,
): Promise<PartyStore> {
  const [shares, ledgers, approvals, sessions] = [
    openIndexedDbRecords(database, 'shares'),
    openIndexedDbRecords(database, 'ledgers'),
    openIndexedDbRecords(database, 'approvals'),
    openIndexedDbRecords(database, 'sessions'),
  ]
  return createPartyStore({ shares, ledgers, approvals, sessions }, kek, deviceId, rng)
}
