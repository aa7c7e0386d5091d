/** A key with a policy, against coordinators that lie about it: every party judges and counts for itself. */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { publicKeyHex } from '../../../src/crypto/public-key.ts'
import { approveByPolicy, approveKeygen, denyAllSigning } from '../../../src/party/approval.ts'
import { systemClock } from '../../../src/party/clock.ts'
import { defaultPartyLimits } from '../../../src/party/limits.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { StorageError } from '../../../src/party/store/records.ts'
import type { Approve } from '../../../src/party/session/terms.ts'
import type { SessionSnapshot } from '../../../src/party/transport/party-transport.ts'
import { maxApprovalSeconds, type Approval, type SigningSubject } from '../../../src/policy/approval.ts'
import type { KeyPolicy } from '../../../src/policy/key-policy.ts'
import { alice, approvalBy, bob, mallory, policy } from '../policy/fixtures.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, kek, orderOf, partiesOf, runAll, testParty, type TestParty } from './fixtures/parties.ts'
import { toyPublicKey } from './fixtures/toy-protocol.ts'

const group = ['device', 'server', 'recovery']
const signers = ['device', 'server']
const keyId = 'key-1'
const messageHash = sha256(utf8ToBytes('what the owners approve'))
const subject: SigningSubject = {
  keyId,
  publicKey: toyPublicKey,
  keyType: 'ecdsa-secp256k1',
  derivationPath: '',
  message: messageHash,
  participants: signers,
}
const plan: SessionPlan = {
  sessionType: 'sign',
  thresholdT: 2,
  thresholdN: 3,
  partyIds: signers,
  messageHash,
  keyId,
  policy: policy(),
}
const keygenPlan: SessionPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: group }

const soon = () => Math.floor(Date.now() / 1_000) + 600

function approval(by = alice, change: Partial<SigningSubject> = {}, under = policy(), nonce = 'nonce'): Promise<Approval> {
  return approvalBy(by, { ...subject, ...change }, under, { nonce, expiresAt: soon() })
}

/** Signers that hold the toy key with `stored` for its policy; a second session may be given the first one's stores. */
async function signersOf(services: MemoryServices, stored: KeyPolicy | null = policy(), earlier: TestParty[] = []) {
  const parties = await partiesOf(services, signers, (partyId) => {
    const before = earlier.find((party) => party.partyId === partyId)
    return before === undefined ? {} : { folder: before.folder, storeChanges: () => before.store }
  })
  if (earlier.length === 0) for (const party of parties) await giveToyKey(party, group, keyId, { policy: stored })
  return parties
}

/** How both signers end. */
async function sign(
  change: Partial<SessionPlan>,
  stored: KeyPolicy | null = policy(),
  show?: (session: SessionSnapshot) => SessionSnapshot,
) {
  const services = new MemoryServices({ ...plan, ...change })
  if (show !== undefined) services.hooks.show = (_partyId, session) => show(session)
  const parties = await signersOf(services, stored)
  const outcomes = await runAll(services, parties)
  const ends = outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.reason : outcome.kind))
  return { services, parties, ends }
}

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

describe('an approval counts once', () => {
  const again = async (approvals: readonly Approval[], earlier: TestParty[]) => {
    const services = new MemoryServices({ ...plan, approvals })
    const outcomes = await runAll(services, await signersOf(services, policy(), earlier))
    return { services, outcomes }
  }

  test('in a second session it is refused, and signs nothing', async () => {
    const approvals = [await approval()]
    const { parties, ends } = await sign({ approvals })
    expect(ends).toEqual(['signed', 'signed'])
    const { services, outcomes } = await again(approvals, parties)
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'approval_replayed' }))
    expect(services.routed).toEqual([])
    expect((await again([await approval(alice, {}, policy(), 'fresh')], parties)).outcomes).toContainEqual(
      expect.objectContaining({ kind: 'signed' }),
    )
  })

  test('also after the party was restarted', async () => {
    const approvals = [await approval()]
    const { parties } = await sign({ approvals })
    const restarted = await Promise.all(
      parties.map(async (party) => ({
        ...party,
        store: await openPartyStore(party.folder, kek, `device-of-${party.partyId}`),
      })),
    )
    const { services, outcomes } = await again(approvals, restarted)
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'approval_replayed' }))
    expect(services.routed).toEqual([])
  })

  test('in two sessions at once at most one signs', async () => {
    const approvals = [await approval()]
    const [one, two] = [new MemoryServices({ ...plan, approvals }), new MemoryServices({ ...plan, approvals })]
    const parties = await signersOf(one)
    const twins = await signersOf(two, policy(), parties)
    const ends = await Promise.all([runAll(one, parties), runAll(two, twins)])
    for (const signer of [0, 1]) {
      const signed = ends.filter((outcomes) => outcomes[signer]?.kind === 'signed')
      expect(signed.length).toBeLessThanOrEqual(1)
    }
    const counted = await Promise.all(
      parties.map(({ store }) => store.approvals.objection(keyId, policy({ maxSignatures: 1 }), [], 0)),
    )
    expect(counted.map((objection) => objection?.reason)).toEqual(['policy_limit_reached', 'policy_limit_reached'])
    expect([one, two].filter(({ routed }) => routed.length > 0).length).toBeLessThanOrEqual(1)
  })

  test('before the party says that it is ready, all that it spent is on disk', async () => {
    const approvals = [await approval()]
    const services = new MemoryServices({ ...plan, approvals })
    const [device] = await signersOf(services)
    if (device === undefined) throw new Error('there is no device')
    const transport = services.transport()
    const found: unknown[] = []
    const checking = await testParty(
      'device',
      {
        ...transport,
        ready: async () => {
          const reopened = await openPartyStore(device.folder, kek, 'device-of-device')
          found.push(await reopened.approvals.objection(keyId, policy(), approvals, Date.now()))
          throw new Error('stop here')
        },
      },
      { folder: device.folder, storeChanges: () => device.store },
    )
    await expect(checking.party.run(orderOf(services, checking))).rejects.toThrow('stop here')
    expect(found).toMatchObject([{ reason: 'approval_replayed' }])
  })

  test('a party that cannot write down what it spends does not sign', async () => {
    const services = new MemoryServices({ ...plan, approvals: [await approval()] })
    const parties = await signersOf(services)
    const [device, server] = parties
    if (device === undefined || server === undefined) throw new Error('two signers')
    const broken = await testParty('device', services.transport(), {
      folder: device.folder,
      storeChanges: () => ({
        ...device.store,
        approvals: { ...device.store.approvals, spend: () => Promise.reject(new StorageError('the disk is full')) },
      }),
    })
    expect((await runAll(services, [broken, server]))[0]).toMatchObject({ reason: 'storage_failed' })
    expect(services.starts).toBe(0)
  })

  test('a key whose record of spent approvals is gone signs nothing', async () => {
    const services = new MemoryServices({ ...plan, approvals: [await approval()] })
    const device = await testParty('device', services.transport())
    await giveToyKey(device, group, keyId)
    const stored = await device.store.shares.get(keyId)
    if (stored === null) throw new Error('there is no share')
    await device.store.shares.put({ ...stored, key: { ...stored.key, policy: policy() } })
    expect(await device.party.run(orderOf(services, device))).toMatchObject({ reason: 'storage_failed' })
  })
})

describe('making a key', () => {
  test('every party stores the policy with its share, and a restart does not lose it', async () => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy({ maxSignatures: 7 }) })
    const parties = await partiesOf(services, group)
    expect((await runAll(services, parties)).map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
    for (const { partyId, folder } of parties) {
      const reopened = await openPartyStore(folder, kek, `device-of-${partyId}`)
      expect((await reopened.shares.get(services.sessionId))?.key.policy).toEqual(policy({ maxSignatures: 7 }))
      // It can be signed with: there is a record to count in.
      expect(await reopened.approvals.objection(services.sessionId, policy(), [], Date.now())).toBeNull()
    }
  })

  test.each<[string, KeyPolicy | undefined]>([
    ['none', undefined],
    ['another one', policy({ requiredApprovals: 2 })],
  ])('fails when the coordinator shows one party a policy and another %s', async (_what, other) => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy() })
    services.hooks.show = (partyId, session) => (partyId === 'server' ? { ...session, policy: other ?? null } : session)
    const limits = { ...defaultPartyLimits, roundTimeoutMs: 500 }
    const parties = await partiesOf(services, group, () => ({ limits }))
    const outcomes = await runAll(services, parties)
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed'])
    for (const { store } of parties) expect(await store.shares.count()).toBe(0)
  })

  test.each<[string, KeyPolicy | null, KeyPolicy | undefined]>([
    ['no policy, but was to have one', policy(), undefined],
    ['another policy than it was to have', policy(), policy({ requiredApprovals: 2 })],
    ['a policy, but was to have none', null, policy()],
  ])('a device refuses a key that is to have %s', async (_what, expected, shown) => {
    const services = new MemoryServices({ ...keygenPlan, ...(shown && { policy: shown }) })
    const device = await testParty('device', services.transport())
    const approve = approveKeygen({ policy: expected })
    const outcome = await device.party.run(orderOf(services, device, { approve }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'terms_unexpected' })
  })

  test('a device makes a key with the policy that it was told, however that is written', async () => {
    const services = new MemoryServices({ ...keygenPlan, policy: policy() })
    const parties = await partiesOf(services, group)
    const written = { ...policy(), approvers: [...policy().approvers].reverse().map((hex) => hex.toUpperCase()) }
    const approve = approveKeygen({ policy: written })
    const outcomes = await Promise.all(parties.map((party) => party.party.run(orderOf(services, party, { approve }))))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
  })

  test.each<[string, Partial<KeyPolicy>]>([
    ['without approvers', { approvers: [] }],
    ['that nobody can fulfil', { requiredApprovals: 3 }],
    ['with a set of strangers', { signerSets: [['device', 'mallory']] }],
    ['with a number beyond all bounds', { notAfter: 2 ** 60 }],
  ])('a policy %s is refused by the parties themselves', async (_what, change) => {
    const services = new MemoryServices({ ...keygenPlan, policy: { ...policy(), ...change } })
    const device = await testParty('device', services.transport())
    expect(await device.party.run(orderOf(services, device))).toMatchObject({ reason: 'terms_unexpected' })
  })
})
