/** A key with a policy, against coordinators that lie about it: every party judges for itself. */
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { publicKeyHex } from '../../../src/crypto/public-key.ts'
import { approveByPolicy, denyAllSigning } from '../../../src/party/approval.ts'
import { systemClock } from '../../../src/party/clock.ts'
import { defaultPartyLimits } from '../../../src/party/limits.ts'
import type { Approve } from '../../../src/party/session/terms.ts'
import { maxApprovalSeconds, type SigningSubject } from '../../../src/policy/approval.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { alice, approvalBy, bob, mallory, policy } from '../policy/fixtures.ts'
import { approval, group, keyId, messageHash, plan, sign, signers, signersOf, soon, subject } from './fixtures/governed-key.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, orderOf, partiesOf, runAll, testParty } from './fixtures/parties.ts'
import { toyPublicKey } from './fixtures/toy-protocol.ts'

test('what enough approvers approved is signed, by a party that signs nothing without a policy too', async () => {
  const services = new MemoryServices({ ...plan, approvals: [await approval()] })
  const parties = await signersOf(services)
  const approve = approveByPolicy(denyAllSigning)
  const outcomes = await Promise.all(parties.map((party) => party.party.run(orderOf(services, party, { approve }))))
  expect(outcomes.map(({ kind }) => kind)).toEqual(['signed', 'signed'])
})

/** How each signer ends by itself: the other one, and the session's start, never come. */
async function alone(change: Partial<SessionPlan>, stored: KeyPolicy | null = policy()): Promise<unknown[]> {
  const limits = { ...defaultPartyLimits, clockSkewMs: 0 }
  const ends = signers.map(async (partyId) => {
    const services = new MemoryServices({ ...plan, expiresInMs: 3_000, ...change })
    const party = await testParty(partyId, services.transport(), { limits })
    await giveToyKey(party, group, keyId, { policy: stored })
    const outcome = await party.party.run(orderOf(services, party))
    return outcome.kind === 'failed' ? outcome.reason : outcome.kind
  })
  return Promise.all(ends)
}

const twice = (reason: string) => [reason, reason]

describe('each party refuses by itself', () => {
  test('what the coordinator alone asks for', async () => {
    expect(await alone({})).toEqual(twice('approvals_missing'))
  })

  test('approvals that the coordinator invents', async () => {
    expect(await alone({ approvals: [await approval(mallory)] })).toEqual(twice('approval_invalid'))
    const forged = { ...(await approval(mallory)), approver: (await approval(alice)).approver }
    expect(await alone({ approvals: [forged] })).toEqual(twice('approval_invalid'))
  })

  test('a session that leaves the policy out, or shows a milder one', async () => {
    expect(await alone({ policy: null, approvals: [await approval()] })).toEqual(twice('key_mismatch'))
    const milder = policy({ approvers: [(await approval(mallory)).approver] })
    expect(await alone({ policy: milder, approvals: [await approval(mallory, {}, milder)] })).toEqual(twice('key_mismatch'))
  })

  test.each<[string, Partial<SigningSubject>]>([
    ['another key', { keyId: 'key-2' }],
    ['another public key', { publicKey: new Uint8Array(33).fill(3) }],
    ['another key type', { keyType: 'schnorr-secp256k1' }],
    ['another path', { derivationPath: 'm/0' }],
    ['another hash', { message: sha256(messageHash) }],
    ['other signers', { participants: ['device', 'recovery'] }],
  ])('an approval that was for %s', async (_what, change) => {
    expect(await alone({ approvals: [await approval(alice, change)] })).toEqual(twice('approval_invalid'))
  })

  test('too few approvals, and one approver twice', async () => {
    const both = policy({ requiredApprovals: 2 })
    const first = await approval(alice, {}, both)
    expect(await alone({ policy: both, approvals: [first] }, both)).toEqual(twice('approvals_missing'))
    const second = await approval(alice, {}, both, 'other nonce')
    expect(await alone({ policy: both, approvals: [first, second] }, both)).toEqual(twice('approval_invalid'))
  })

  test('approvals that have expired, or that expire in more than a day', async () => {
    const expiring = (inSeconds: number) => approvalBy(alice, subject, policy(), { expiresAt: soon() - 600 + inSeconds })
    expect(await alone({ approvals: [await expiring(-1)] })).toEqual(twice('approval_expired'))
    expect(await alone({ approvals: [await expiring(86_460)] })).toEqual(twice('approval_invalid'))
  })

  test('signers, and times, that the policy does not allow', async () => {
    const others = policy({ signerSets: [['device', 'recovery']] })
    expect(await alone({ policy: others, approvals: [await approval(alice, {}, others)] }, others)).toEqual(twice('policy_forbids'))
    for (const window of [{ notBefore: soon() }, { notAfter: 1_000 }]) {
      const closed = policy(window)
      const approvals = [await approval(alice, {}, closed)]
      expect(await alone({ policy: closed, approvals }, closed)).toEqual(twice('policy_forbids'))
    }
  })
})

describe('the owner', () => {
  test('is not even asked about what the policy refuses', async () => {
    const services = new MemoryServices(plan)
    const device = await testParty('device', services.transport())
    await giveToyKey(device, group, keyId, { policy: policy() })
    const asked: string[] = []
    const approve: Approve = async ({ kind }) => (asked.push(kind), { kind: 'approve' })
    expect(await device.party.run(orderOf(services, device, { approve }))).toMatchObject({ reason: 'approvals_missing' })
    expect(asked).toEqual([])
  })

  test('is shown the policy and the approvals, and may think about it for as long as both last, but no longer', async () => {
    const ending = policy({ notAfter: soon() })
    const approvals = [await approvalBy(alice, subject, ending, { expiresAt: soon() + 7_200 })]
    const services = new MemoryServices({ ...plan, policy: ending, approvals, expiresInMs: 7_200_000 })
    let thinkingMs = 0
    const clock = { ...systemClock, nowMs: () => Date.now() + thinkingMs }
    const device = await testParty('device', services.transport(), { clock })
    await giveToyKey(device, group, keyId, { policy: ending })
    const shown: unknown[] = []
    const approve: Approve = async (terms) => {
      shown.push(terms)
      thinkingMs = 3_600_000
      return { kind: 'approve' }
    }
    expect(await device.party.run(orderOf(services, device, { approve }))).toMatchObject({ reason: 'policy_forbids' })
    expect(shown).toMatchObject([{ policy: ending, approvals, publicKey: publicKeyHex(toyPublicKey) }])
  })
})

describe('nothing is signed', () => {
  test('more often than the policy allows', async () => {
    for (const limit of [{ maxSignatures: 1 }, { rateSignatures: 1, rateWindowSeconds: 3_600 }]) {
      const limited = policy(limit)
      const first = await sign({ policy: limited, approvals: [await approval(alice, {}, limited)] }, limited)
      expect(first.ends).toEqual(['signed', 'signed'])
      const approvals = [await approval(bob, {}, limited, 'second')]
      const services = new MemoryServices({ ...plan, policy: limited, approvals })
      const outcomes = await runAll(services, await signersOf(services, limited, first.parties))
      expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'policy_limit_reached' }))
      expect(services.starts).toBe(0)
    }
  })

  test('with approvals that change after they were counted', async () => {
    const approvals = [await approval()]
    const { ends, services } = await sign({ approvals }, policy(), (session) =>
      session.status === 'in_progress' ? { ...session, approvals: [] } : session,
    )
    expect(ends).toContain('terms_changed')
    expect(services.routed).toEqual([])
  })

  test('for approvals that have expired when the session starts at last', async () => {
    const services = new MemoryServices({ ...plan, approvals: [await approval()], expiresInMs: 7_200_000 })
    let laterMs = 0
    const clock = { ...systemClock, nowMs: () => Date.now() + laterMs }
    services.hooks.show = (_partyId, session) => {
      if (session.status === 'in_progress') laterMs = 3_600_000
      return session
    }
    const parties = await partiesOf(services, signers, () => ({ clock }))
    for (const party of parties) await giveToyKey(party, group, keyId, { policy: policy() })
    expect(await runAll(services, parties)).toContainEqual(expect.objectContaining({ reason: 'approval_expired' }))
    expect(services.starts).toBe(1)
    expect(services.routed).toEqual([])
  })

  test('by a key without a policy, unless the party is configured to', async () => {
    const services = new MemoryServices({ ...plan, policy: null })
    const parties = await signersOf(services, null)
    const approve = approveByPolicy(denyAllSigning)
    const outcomes = await Promise.all(parties.map((party) => party.party.run(orderOf(services, party, { approve }))))
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'declined' }))
    expect(services.routed).toEqual([])
  })
})

test('a ledger that stands for a later time does not open a key before its time', async () => {
  const early = policy({ notBefore: soon() })
  const expiresAt = Math.floor(Date.now() / 1_000) + maxApprovalSeconds - 5
  const approvals = [await approvalBy(alice, subject, early, { nonce: 'fresh', expiresAt })]
  const services = new MemoryServices({ ...plan, policy: early, approvals })
  const parties = await signersOf(services, early)
  // As after `mpc party accept-guard`: approvals from before it are refused, this one is not.
  for (const { store } of parties) await store.approvals.assumeSpent(keyId, early, Date.now() - 10_000)
  expect(await runAll(services, parties)).toContainEqual(expect.objectContaining({ reason: 'policy_forbids' }))
  expect(services.routed).toEqual([])
})
