import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { secureRandom } from '../../../src/party/clock.ts'
import { acceptGuardIn } from '../../../src/party/node/accept-guard.ts'
import { guardFolderOf, openPartyFolders } from '../../../src/party/node/party-store.ts'
import { localKeyEncryption } from '../../../src/party/store/local-key-encryption.ts'
import { maxApprovalSeconds, type Approval } from '../../../src/policy/approval.ts'
import { policy } from '../policy/fixtures.ts'
import { giveToyKey, kek, temporaryFolder } from './fixtures/parties.ts'

const deviceId = 'server_001'
const encryption = localKeyEncryption(kek, secureRandom)
const policies = {
  plain: policy(),
  limited: policy({ maxSignatures: 3 }),
  rated: policy({ rateSignatures: 2, rateWindowSeconds: 60 }),
}
type KeyId = keyof typeof policies
const keyIds: readonly KeyId[] = ['plain', 'limited', 'rated']

/** Expires so many seconds from now. */
function approval(number: number, expiresIn: number): Approval {
  const nonce = number.toString(16).padStart(64, '0')
  const expiresAt = Math.floor(Date.now() / 1_000) + expiresIn
  return { approver: 'aa'.repeat(32), nonce, expiresAt, signature: 'bb'.repeat(64) }
}

test.each(['lost', 'its own'] as const)('after a guard is accepted that was %s, no key signs more than its policy allows', async (which) => {
  const shares = await temporaryFolder()
  const folders = { shares, guard: guardFolderOf(shares) }
  const store = await openPartyFolders(folders, encryption, deviceId)
  for (const keyId of keyIds) await giveToyKey({ partyId: 'device', store }, ['device', 'server'], keyId, { policy: policies[keyId] })
  await giveToyKey({ partyId: 'device', store }, ['device', 'server'], 'free')
  const before = approval(1, maxApprovalSeconds - 5)
  for (const keyId of keyIds) {
    expect(await store.approvals.spend(keyId, policies[keyId], [before], Date.now())).toBeNull()
  }
  if (which === 'lost') await rm(folders.guard, { recursive: true })
  expect(await acceptGuardIn(folders, encryption, deviceId)).toMatchObject({
    guard: which === 'lost' ? 'new' : 'its own',
    keysWithPolicy: 3,
  })

  const { approvals } = await openPartyFolders(folders, encryption, deviceId)
  const reasonOf = async (keyId: KeyId, shown: Approval, nowMs = Date.now()) =>
    (await approvals.objection(keyId, policies[keyId], [shown], nowMs))?.reason ?? 'none'
  // What was approved before may have counted; what lives longer than anything approved before has not.
  expect(await reasonOf('plain', before)).toBe(which === 'lost' ? 'approval_expired' : 'approval_replayed')
  expect(await reasonOf('plain', approval(2, maxApprovalSeconds - 5))).toBe('approval_expired')
  expect(await reasonOf('plain', approval(3, maxApprovalSeconds + 60))).toBe('none')
  const later = (seconds: number) => Date.now() + (maxApprovalSeconds + seconds) * 1_000
  expect(await reasonOf('limited', approval(4, 2 * maxApprovalSeconds), later(100))).toBe('policy_limit_reached')
  expect(await reasonOf('rated', approval(5, 2 * maxApprovalSeconds), later(10))).toBe('policy_limit_reached')
  expect(await reasonOf('rated', approval(6, 2 * maxApprovalSeconds), later(70))).toBe('none')
})
