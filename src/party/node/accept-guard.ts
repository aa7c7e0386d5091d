/** Going on with a guard that has forgotten something: an empty one, that of another store, or one from a backup. */
import { secureRandom, systemClock } from '../clock.ts'
import type { KeyEncryption } from '../store/key-encryption.ts'
import { createPartyStore } from '../store/party-store.ts'
import { acceptGuard } from '../store/store-keys.ts'
import { openFileRecords } from './file-records.ts'
import { storeRecords, type PartyFolders } from './party-store.ts'

export type AcceptedGuard = Readonly<{
  guardId: string
  guard: 'its own' | 'another' | 'new'
  bans: number
  frozenKeys: number
  /** Keys whose owners must approve what they sign: of these it is unknown what had counted. */
  keysWithPolicy: number
}>

/**
 * Bans and freezes that the shares know of are taken up, and no key signs more than its policy allows. For a party that
 * is not running. @throws StorageError, or what `encryption` throws.
 */
export async function acceptGuardIn(
  folders: PartyFolders,
  encryption: KeyEncryption,
  deviceId: string,
): Promise<AcceptedGuard> {
  const records = await storeRecords(folders, openFileRecords)
  const known = { bans: 0, frozenKeys: 0, keysWithPolicy: 0 }
  const accepted = await acceptGuard(records, encryption, deviceId, secureRandom, async (keys) => {
    const nowMs = systemClock.nowMs()
    const { shares, guard, approvals } = await createPartyStore(records, keys, deviceId, secureRandom, nowMs)
    for (const keyId of await shares.keyIds()) {
      const stored = await shares.get(keyId)
      stored?.share.fill(0)
      const policy = stored?.key.policy ?? null
      if (policy === null) continue
      await approvals.assumeSpent(keyId, policy, nowMs)
      known.keysWithPolicy++
    }
    known.bans = guard.bans().length
    known.frozenKeys = guard.frozenKeys().length
  })
  return { ...accepted, ...known }
}
