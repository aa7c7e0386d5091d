/** Everything a party keeps, encrypted, in the device's database. */
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom, systemClock } from '../clock.ts'
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
  // Encrypted under keys of the browser itself (device-keys.ts), so it is what a data key is elsewhere, and it was
  // also the key of the first records.
  const key = { dataKey: kek, former: kek }
  const records = { shares, ledgers, approvals, sessions, formerLedgers: null }
  return createPartyStore(records, { shares: key, guard: key }, deviceId, rng, systemClock.nowMs())
}
