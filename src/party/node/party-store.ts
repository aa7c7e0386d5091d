/** Everything a party keeps, as encrypted files in one folder. */
import type { Rng } from '../../crypto/protocol.ts'
import { secureRandom } from '../clock.ts'
import type { PartyStore } from '../party-parts.ts'
import { KeyGuard } from '../store/key-guard.ts'
import { createSessionJournal } from '../store/session-journal.ts'
import { createShareStore } from '../store/share-store.ts'
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
  const shares = createShareStore(await openFileRecords(folder, '.share'), kek, deviceId, rng)
  const guard = await KeyGuard.open(await openFileRecords(folder, '.ledger'), shares, kek, deviceId, rng)
  const journal = createSessionJournal(await openFileRecords(folder, '.session'), kek, deviceId, rng)
  // Reading one share and the journal now shows a wrong key-encryption key at the start, not in the first session.
  await shares.list({ after: '', limit: 1 })
  await journal.unfinished()
  return { shares, guard, journal }
}
