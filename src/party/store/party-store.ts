/** Everything a party keeps, in whatever records it has been given. */
import type { Rng } from '../../crypto/protocol.ts'
import type { PartyStore } from '../party-parts.ts'
import { createApprovalLedger } from './approval-ledger.ts'
import { KeyGuard } from './key-guard.ts'
import type { Records } from './records.ts'
import { createSessionJournal } from './session-journal.ts'
import { createShareStore } from './share-store.ts'

/** One place for each kind of record. */
export type PartyRecords = Readonly<{ shares: Records; ledgers: Records; approvals: Records; sessions: Records }>

/**
 * `kek`: the 32-byte key-encryption key. The records belong to one device and to one process at a time.
 * @throws StorageError when they do not open under this key.
 */
export async function createPartyStore(
  records: PartyRecords,
  kek: Uint8Array,
  deviceId: string,
  rng: Rng,
): Promise<PartyStore> {
  const shares = createShareStore(records.shares, kek, deviceId, rng)
  const guard = await KeyGuard.open(records.ledgers, shares, kek, deviceId, rng)
  const approvals = createApprovalLedger(records.approvals, kek, deviceId, rng)
  const journal = createSessionJournal(records.sessions, kek, deviceId, rng)
  // Reading one share and the journal now shows a wrong key-encryption key at the start, not in the first session.
  await shares.list({ after: '', limit: 1 })
  await journal.unfinished()
  return { shares, guard, approvals, journal }
}
