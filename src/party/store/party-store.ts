/** Everything a party keeps, in whatever records it has been given. */
import type { Rng } from '../../crypto/protocol.ts'
import type { PartyStore } from '../party-parts.ts'
import { createApprovalLedger } from './approval-ledger.ts'
import { KeyGuard } from './key-guard.ts'
import type { Records } from './records.ts'
import { recordKey } from './sealed-record.ts'
import { createSessionJournal } from './session-journal.ts'
import { createShareStore } from './share-store.ts'
import type { StoreKeys } from './store-keys.ts'

/** One place for each kind of record. `formerLedgers`: where earlier releases kept ledgers, if it was elsewhere. */
export type PartyRecords = Readonly<{
  shares: Records
  ledgers: Records
  approvals: Records
  sessions: Records
  formerLedgers: Records | null
}>

/**
 * Opens every record once, makes of an earlier release's what this one writes, and of shares and guard what both know.
 * The keys are not needed any more afterwards. The records belong to one device and to one process at a time.
 * @throws StorageError that names a record which does not open.
 */
export async function createPartyStore(
  records: PartyRecords,
  keys: StoreKeys,
  deviceId: string,
  rng: Rng,
  nowMs: number,
): Promise<PartyStore> {
  const shares = createShareStore(records.shares, recordKey(keys.shares, 'key-share', deviceId, rng))
  const ledgers = { records: records.ledgers, key: recordKey(keys.guard, 'key-ledger', deviceId, rng) }
  const formerKey = recordKey(keys.shares, 'key-ledger', deviceId, rng)
  const former = records.formerLedgers === null ? null : { records: records.formerLedgers, key: formerKey }
  const guard = await KeyGuard.open(ledgers, shares, former, nowMs)
  const approvals = createApprovalLedger(records.approvals, recordKey(keys.guard, 'approval-ledger', deviceId, rng))
  const journal = createSessionJournal(records.sessions, recordKey(keys.shares, 'session-journal', deviceId, rng))
  await journal.unfinished()
  return { shares, guard, approvals, journal }
}
